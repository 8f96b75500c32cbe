/* Dialect C of the panel model: what changed in which version, its routes, its hooks. */
#include "tests/sim/panel_c.h"

#include <assert.h>

#define V310 VERSION(3, 1, 0)
#define V320 VERSION(3, 2, 0)
#define V325 VERSION(3, 2, 5)
#define V327 VERSION(3, 2, 7)
#define V328 VERSION(3, 2, 8)
#define V330 VERSION(3, 3, 0)
#define V331 VERSION(3, 3, 1)
#define V340 VERSION(3, 4, 0)
#define V341 VERSION(3, 4, 1)
#define V342 VERSION(3, 4, 2)
#define V350 VERSION(3, 5, 0)
#define V360 VERSION(3, 6, 0)
#define LAST VERSION_LAST

/* Only the two ends, 3.1.0 and 3.6.0, were watched; for what lies between the rows follow the reference and the
 * published history of the panel. */
static const struct {
	int since, until;
} traits[] = {
	[C_CHECKS_NAMES]          = { V325, LAST },
	[C_ONE_SUB_ID]            = { V325, LAST },
	[C_KEEPS_CREDENTIALS]     = { V331, LAST },
	[C_ADD_REUSES]            = { V350, LAST },
	[C_ADD_DUPLICATES]        = { V328, VERSION(3, 4, 99) },
	[C_ADD_OVERWRITES_ROW]    = { V360, LAST },
	[C_DROPS_FLOW]            = { V325, LAST },
	[C_RENAMES_RECORD]        = { V320, LAST },
	[C_UPDATES_ORPHANS]       = { V360, LAST },
	[C_RESET_ENABLES]         = { V331, LAST },
	[C_ROWS_OUTLIVE]          = { V360, LAST },
	[C_DEL_KEEPS_ROWS]        = { V325, LAST },
	[C_VALIDATES_INBOUND]     = { V320, LAST },
	[C_NEW_TAGS]              = { V320, LAST },
	[C_STATS_IN_GET]          = { V325, LAST },
	[C_TRAFFIC_NULL]          = { V330, LAST },
	[C_GONE_TEXT]             = { V320, LAST },
	[C_COUNTS_FIRST_POLL]     = { V320, LAST },
	[C_ONLINES]               = { V320, LAST },
	[C_NULL_CLIENTS_OK]       = { V342, LAST },
	[C_GROUPS]                = { V320, LAST },
	[C_USED_TRAFFIC]          = { V331, LAST },
	[C_EXTERNAL_LINKS]        = { V340, LAST },
	[C_WIREGUARD]             = { V342, LAST },
	[C_MTPROTO]               = { V350, LAST },
	[C_GUID]                  = { V330, LAST },
	[C_SORT_INDEX]            = { V331, LAST },
	[C_RESET_DAY]             = { V360, LAST },
	[C_OPTION_METHOD]         = { V330, LAST },
	[C_OPTION_ENABLE]         = { V350, LAST },
	[C_PAGED_COUNTS]          = { V360, LAST },
	[C_PAGED_SECRETS]         = { V360, LAST }, /* search looks at credentials and tgId */
	[C_PAGED_LISTS]           = { V320, LAST }, /* inbound=1,8 */
	[C_OBTAIN]                = { V360, LAST }, /* prefix of clients/get; empty before */
	[C_DEL_AGAIN_OK]          = { V325, LAST }, /* inbounds/del of an unknown id */
	[C_LIST_SORTED]           = { V360, LAST }, /* inboundIds in list/paged */
	[C_RESTARTS_ON_DEPLETION] = { V310, VERSION(3, 1, 99) },
	[C_NEW_LINKS]             = { V340, LAST },
	[C_INFO]                  = { V360, LAST },
	[C_SUB_HEAD]              = { V325, LAST },
	[C_HOST_GROUPS]           = { V350, LAST },
	[C_ADJUST_TOLERANT]       = { V320, LAST }, /* bulkAdjust counts what it could do, its reasons are its own */
};

bool c_has(const struct panel_sim *sim, enum c_trait trait)
{
	assert((size_t)trait < countof(traits));
	return panel_is(sim, traits[trait].since, traits[trait].until);
}

#define IN "panel/api/inbounds/"
#define CL "panel/api/clients/"
#define HO "panel/api/hosts/"
#define READ(path, since, until, handler) { HTTP_GET, path, since, until, AREA_API, false, handler }
#define ASK(path, since, until, handler) { HTTP_POST, path, since, until, AREA_API, false, handler }
#define WRITE(path, since, until, handler) { HTTP_POST, path, since, until, AREA_API, true, handler }

static const struct panel_route routes[] = {
	READ(IN "list", V310, LAST, c_on_in_list),
	READ(IN "list/slim", V310, LAST, c_on_in_slim),
	READ(IN "options", V310, LAST, c_on_in_options),
	READ(IN "get/:id", V310, LAST, c_on_in_get),
	WRITE(IN "add", V310, LAST, c_on_in_add),
	WRITE(IN "update/:id", V310, LAST, c_on_in_update),
	WRITE(IN "del/:id", V310, LAST, c_on_in_del),
	WRITE(IN "bulkDel", V325, LAST, c_on_in_bulk_del),
	WRITE(IN "setEnable/:id", V310, LAST, c_on_in_enable),
	WRITE(IN ":id/resetTraffic", V310, LAST, c_on_in_reset),
	WRITE(IN "resetAllTraffics", V310, LAST, c_on_in_reset_all),
	WRITE(IN ":id/delAllClients", V320, LAST, c_on_in_del_all),
	READ(IN ":id/fallbacks", V310, LAST, c_on_in_fallbacks),
	READ(IN "allLinks", V342, LAST, c_on_all_links),

	READ(CL "list", V310, LAST, c_on_list),
	READ(CL "list/paged", V310, LAST, c_on_paged),
	READ(CL "get/:email", V310, LAST, c_on_get),
	READ(CL "get/tgId/:tgId", V360, LAST, c_on_tg_id),
	READ(CL "traffic/:email", V310, LAST, c_on_traffic),
	READ(CL "links/:email", V310, LAST, c_on_links),
	READ(CL "subLinks/:subId", V310, LAST, c_on_sub_links),
	ASK(CL "onlines", V310, LAST, c_on_onlines),
	ASK(CL "onlinesByNode", V327, V328, c_on_onlines_guid),
	ASK(CL "onlinesByGuid", V330, LAST, c_on_onlines_guid),
	ASK(CL "activeInbounds", V327, LAST, c_on_active_inbounds),
	ASK(CL "lastOnline", V310, LAST, c_on_last_online),
	ASK(CL "ips/:email", V310, LAST, panel_on_ips),
	WRITE(CL "clearIps/:email", V310, LAST, panel_on_clear_ips),
	WRITE(CL "add", V310, LAST, c_on_add),
	WRITE(CL "update/:email", V310, LAST, c_on_update),
	WRITE(CL "del/:email", V310, LAST, c_on_del),
	WRITE(CL ":email/attach", V310, LAST, c_on_attach),
	WRITE(CL ":email/detach", V310, LAST, c_on_detach),
	WRITE(CL ":email/externalLinks", V340, LAST, c_on_external_links),
	WRITE(CL "resetTraffic/:email", V310, LAST, c_on_reset),
	WRITE(CL "resetAllTraffics", V310, LAST, c_on_reset_all),
	WRITE(CL "updateTraffic/:email", V310, LAST, c_on_set_traffic),
	WRITE(CL "delDepleted", V310, LAST, c_on_del_depleted),
	WRITE(CL "delOrphans", V340, LAST, c_on_del_orphans),
	WRITE(CL "bulkAdjust", V310, LAST, c_on_bulk_adjust),
	WRITE(CL "bulkCreate", V320, LAST, c_on_bulk_create),
	WRITE(CL "bulkDel", V320, LAST, c_on_bulk_del),
	WRITE(CL "bulkAttach", V320, LAST, c_on_bulk_attach),
	WRITE(CL "bulkDetach", V320, LAST, c_on_bulk_detach),
	WRITE(CL "bulkResetTraffic", V320, LAST, c_on_bulk_reset),
	WRITE(CL "bulkEnable", V341, LAST, c_on_bulk_enable),
	WRITE(CL "bulkDisable", V341, LAST, c_on_bulk_disable),
	READ(CL "export", V340, LAST, c_on_export),
	WRITE(CL "import", V340, LAST, c_on_import),
	READ(CL "groups", V320, LAST, c_on_groups),
	READ(CL "groups/:name/emails", V320, LAST, c_on_group_emails),
	WRITE(CL "groups/create", V320, LAST, c_on_group_create),
	WRITE(CL "groups/rename", V320, LAST, c_on_group_rename),
	WRITE(CL "groups/delete", V320, LAST, c_on_group_delete),
	WRITE(CL "groups/bulkAdd", V320, LAST, c_on_group_add),
	WRITE(CL "groups/bulkRemove", V320, LAST, c_on_group_remove),
	WRITE(CL "groups/resetTraffic", V342, LAST, c_on_group_reset),

	/* a panel without nodes: their contents were never recorded */
	READ("panel/api/nodes/list", V310, LAST, c_on_empty_list),
	READ(HO "list", V340, LAST, c_on_host_list),
	WRITE(HO "add", V340, LAST, c_on_host_add),
	WRITE(HO "del/:id", V340, LAST, c_on_host_del),
};

static const size_t routes_count = countof(routes);

static void init(struct panel_sim *sim)
{
	struct panel_c *c = xcalloc(1, sizeof(*c));

	c->guid = xmalloc(UUID_CHARS + 1);
	rand_uuid(c->guid);
	sim->c = c;
}

static void release(struct panel_sim *sim)
{
	struct panel_c *c = c_of(sim);

	for (struct panel_inbound *in = sim->inbounds; in; in = in->next)
		c_body_free(sim, in);
	while (c->first)
		c_record_delete(sim, c->first);
	while (c->groups) {
		struct c_group *g = c->groups;

		c->groups = g->next;
		free(g->name);
		free(g);
	}
	c_hosts_release(sim);
	map_release(&c->by_email);
	map_release(&c->by_sub);
	map_release(&c->elements_by_lower);
	map_release(&c->elements_by_key);
	free(c->guid);
	free(c);
	sim->c = NULL;
}

const struct panel_dialect panel_dialect_c = {
	.tables = { { routes, &routes_count } },
	.init = init,
	.release = release,
	.poll = c_poll,
	.xray_start = c_xray_start,
	.subscribe = c_subscribe,
	.each_client = c_each_client,
	.find_client = c_find_client,
	.use = c_use,
	.seed = c_seed,
};
