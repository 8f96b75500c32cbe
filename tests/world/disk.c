/* See disk.h. The contract is SQLite's own: https://sqlite.org/c3ref/io_methods.html and "The Virtual Filesystem". */
#include "tests/world/disk.h"

#include <assert.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/base/mem.h"
#include "lib/base/rand.h"
#include "lib/store/db.h"

#define BLOCK 4096
#define IMAGE_BYTES_MAX (256 << 20) /* reserved; what is written takes memory */
#define NAME_MAX_CHARS 120
#define NAMES_MAX 16
#define SHM_REGIONS_MAX 64
#define VFS_NAME "obol-disk"

struct image {
	unsigned char *bytes;
	size_t size;
};

struct file {
	struct image now, safe;
	unsigned char *unsynced;       /* one flag per block */
	size_t blocks;
	size_t unsynced_from, unsynced_to; /* no flag is set outside */
	/* locks of the file, and of its shared memory */
	int shared;
	bool reserved, exclusive;
	void *regions[SHM_REGIONS_MAX];
	int region_bytes, shm_users;
	int shm_shared[SQLITE_SHM_NLOCK];
	bool shm_exclusive[SQLITE_SHM_NLOCK];
};

struct name {
	char text[NAME_MAX_CHARS + 1];
	struct file *now, *safe;       /* NULL: no such file */
};

struct disk {
	sqlite3_vfs vfs;
	struct name names[NAMES_MAX];
	size_t names_count;
	disk_guard *guard;
	void *guard_ctx;
	bool dead;
};

struct handle {
	sqlite3_file base;
	struct disk *disk;
	struct file *file;
	int lock;
	bool syncs_name;               /* a new journal: its first sync makes its name safe */
	bool temporary;                /* has no name and goes with its handle */
	bool shm;
	unsigned shm_shared, shm_exclusive; /* masks of what this connection holds */
};

/* --- images --- */

/* xrealloc, by a door of its own: who counts the program's allocations does not meet those of its disk. */
static void *grown(void *p, size_t n)
{
	void *q = reallocarray(p, n, 1);

	assert(q);
	return q;
}

static void *zeroed(size_t n)
{
	return memset(grown(NULL, n), 0, n);
}

static void image_reserve(struct image *i, size_t size)
{
	assert(size <= IMAGE_BYTES_MAX);
	if (i->bytes)
		return;
	i->bytes = mmap(NULL, IMAGE_BYTES_MAX, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert(i->bytes != MAP_FAILED);
	madvise(i->bytes, IMAGE_BYTES_MAX, MADV_HUGEPAGE);
}

static void image_free(struct image *i)
{
	if (i->bytes)
		munmap(i->bytes, IMAGE_BYTES_MAX);
}

/* What is new is empty. */
static void image_grow(struct image *i, size_t size)
{
	if (size <= i->size)
		return;
	image_reserve(i, size);
	memset(i->bytes + i->size, 0, size - i->size);
	i->size = size;
}

static void image_cut(struct image *i, size_t size)
{
	i->size = size < i->size ? size : i->size;
}

static void image_write(struct image *i, size_t at, const void *bytes, size_t n)
{
	image_grow(i, at);
	image_reserve(i, at + n);
	memcpy(i->bytes + at, bytes, n);
	i->size = at + n > i->size ? at + n : i->size;
}

static void image_copy_block(struct image *to, const struct image *from, size_t block)
{
	size_t at = block * BLOCK, n = at < from->size ? from->size - at : 0;

	if (n)
		image_write(to, at, from->bytes + at, n < BLOCK ? n : BLOCK);
}

/* --- files and names --- */

static void mark(struct file *f, size_t from, size_t to)
{
	size_t blocks = (to + BLOCK - 1) / BLOCK;

	if (blocks > f->blocks) {
		f->unsynced = grown(f->unsynced, blocks * 2);
		memset(f->unsynced + f->blocks, 0, blocks * 2 - f->blocks);
		f->blocks = blocks * 2;
	}
	if (f->unsynced_from == f->unsynced_to)
		f->unsynced_from = from / BLOCK;
	f->unsynced_from = from / BLOCK < f->unsynced_from ? from / BLOCK : f->unsynced_from;
	f->unsynced_to = blocks > f->unsynced_to ? blocks : f->unsynced_to;
	memset(f->unsynced + from / BLOCK, 1, blocks - from / BLOCK);
}

static void forget_unsynced(struct file *f)
{
	if (f->unsynced_to)
		memset(f->unsynced + f->unsynced_from, 0, f->unsynced_to - f->unsynced_from);
	f->unsynced_from = f->unsynced_to = 0;
}

static void file_sync(struct file *f)
{
	for (size_t i = f->unsynced_from; i < f->unsynced_to; i++)
		if (f->unsynced[i])
			image_copy_block(&f->safe, &f->now, i);
	forget_unsynced(f);
	image_cut(&f->safe, f->now.size);
	image_grow(&f->safe, f->now.size);
}

static void file_drop_shm(struct file *f)
{
	for (size_t i = 0; i < countof(f->regions); i++) {
		free(f->regions[i]);
		f->regions[i] = NULL;
	}
}

static void file_free(struct file *f)
{
	file_drop_shm(f);
	image_free(&f->now);
	image_free(&f->safe);
	free(f->unsynced);
	free(f);
}

static struct name *name_of(struct disk *d, const char *text)
{
	for (size_t i = 0; i < d->names_count; i++)
		if (strcmp(d->names[i].text, text) == 0)
			return &d->names[i];
	return NULL;
}

static struct name *name_add(struct disk *d, const char *text)
{
	struct name *n = name_of(d, text);

	if (!n) {
		assert(d->names_count < NAMES_MAX && strlen(text) <= NAME_MAX_CHARS);
		n = &d->names[d->names_count++];
		memcpy(n->text, text, strlen(text) + 1);
	}
	return n;
}

static bool is_named(const struct disk *d, const struct file *f)
{
	for (size_t i = 0; i < d->names_count; i++)
		if (d->names[i].now == f || d->names[i].safe == f)
			return true;
	return false;
}

static void name_set(struct disk *d, struct file **slot, struct file *f)
{
	struct file *old = *slot;

	*slot = f;
	if (old && old != f && !is_named(d, old))
		file_free(old);
}

static void directory_sync(struct disk *d)
{
	for (size_t i = 0; i < d->names_count; i++)
		name_set(d, &d->names[i].safe, d->names[i].now);
}

static void name_sync(struct disk *d, const struct file *f)
{
	for (size_t i = 0; i < d->names_count; i++)
		if (d->names[i].now == f)
			name_set(d, &d->names[i].safe, d->names[i].now);
}

static int ask(struct disk *d, enum disk_op op)
{
	if (d->dead)
		return SQLITE_IOERR;
	return d->guard ? d->guard(d->guard_ctx, op) : SQLITE_OK;
}

/* --- a file's methods --- */

static struct handle *handle_of(sqlite3_file *base)
{
	return (struct handle *)base;
}

static int unlock_to(struct handle *h, int level)
{
	struct file *f = h->file;

	if (h->lock >= SQLITE_LOCK_EXCLUSIVE && level < SQLITE_LOCK_EXCLUSIVE)
		f->exclusive = false;
	if (h->lock >= SQLITE_LOCK_RESERVED && level < SQLITE_LOCK_RESERVED)
		f->reserved = false;
	if (h->lock >= SQLITE_LOCK_SHARED && level < SQLITE_LOCK_SHARED)
		f->shared--;
	if (level < h->lock)
		h->lock = level;
	return SQLITE_OK;
}

static int io_close(sqlite3_file *base)
{
	struct handle *h = handle_of(base);

	unlock_to(h, SQLITE_LOCK_NONE);
	if (h->temporary)
		file_free(h->file);
	return SQLITE_OK;
}

static int io_read(sqlite3_file *base, void *out, int n, sqlite3_int64 at)
{
	struct handle *h = handle_of(base);
	const struct image *i = &h->file->now;
	size_t from = (size_t)at, left = from < i->size ? i->size - from : 0, got = left < (size_t)n ? left : (size_t)n;
	int rc = ask(h->disk, DISK_READ);

	if (rc)
		return rc == SQLITE_IOERR ? SQLITE_IOERR_READ : rc;
	if (got)
		memcpy(out, i->bytes + from, got);
	if (got == (size_t)n)
		return SQLITE_OK;
	memset((char *)out + got, 0, (size_t)n - got);
	return SQLITE_IOERR_SHORT_READ;
}

static int io_write(sqlite3_file *base, const void *bytes, int n, sqlite3_int64 at)
{
	struct handle *h = handle_of(base);
	size_t from = (size_t)at;
	int rc = ask(h->disk, DISK_WRITE);

	if (rc)
		return rc == SQLITE_IOERR ? SQLITE_IOERR_WRITE : rc;
	image_write(&h->file->now, from, bytes, (size_t)n);
	mark(h->file, from, from + (size_t)n);
	return SQLITE_OK;
}

static int io_truncate(sqlite3_file *base, sqlite3_int64 size)
{
	struct handle *h = handle_of(base);
	int rc = ask(h->disk, DISK_TRUNCATE);

	if (rc)
		return rc == SQLITE_IOERR ? SQLITE_IOERR_TRUNCATE : rc;
	image_cut(&h->file->now, (size_t)size);
	mark(h->file, (size_t)size, (size_t)size + 1);
	return SQLITE_OK;
}

/* After a sync that failed the system takes the blocks for clean: a later sync that succeeds does not write them. */
static int io_sync(sqlite3_file *base, int flags)
{
	struct handle *h = handle_of(base);
	int rc = ask(h->disk, DISK_SYNC);

	(void)flags;
	if (rc) {
		if (!h->disk->dead)
			forget_unsynced(h->file);
		return rc == SQLITE_IOERR ? SQLITE_IOERR_FSYNC : rc;
	}
	file_sync(h->file);
	if (h->syncs_name)
		name_sync(h->disk, h->file);
	h->syncs_name = false;
	return SQLITE_OK;
}

static int io_size(sqlite3_file *base, sqlite3_int64 *size)
{
	*size = (sqlite3_int64)handle_of(base)->file->now.size;
	return SQLITE_OK;
}

static int io_lock(sqlite3_file *base, int level)
{
	struct handle *h = handle_of(base);
	struct file *f = h->file;

	if (h->lock >= level)
		return SQLITE_OK;
	if (level == SQLITE_LOCK_SHARED) {
		if (f->exclusive)
			return SQLITE_BUSY;
		f->shared++;
	} else if (level == SQLITE_LOCK_RESERVED) {
		if (f->reserved)
			return SQLITE_BUSY;
		f->reserved = true;
	} else {
		if (f->shared > 1 || (f->reserved && h->lock < SQLITE_LOCK_RESERVED))
			return SQLITE_BUSY;
		f->reserved = f->exclusive = true;
	}
	h->lock = level;
	return SQLITE_OK;
}

static int io_unlock(sqlite3_file *base, int level)
{
	return unlock_to(handle_of(base), level);
}

static int io_is_reserved(sqlite3_file *base, int *yes)
{
	*yes = handle_of(base)->file->reserved;
	return SQLITE_OK;
}

/* Two steps of the system: it may die between them. */
static int sync_and_rename(struct disk *d, const char *const names[2])
{
	struct name *from = name_of(d, names[0]), *to = name_add(d, names[1]);

	if (!from || !from->now || ask(d, DISK_SYNC))
		return SQLITE_IOERR_FSYNC;
	file_sync(from->now);
	if (ask(d, DISK_SYNC))
		return SQLITE_IOERR_DIR_FSYNC;
	name_set(d, &to->now, from->now);
	name_set(d, &from->now, NULL);
	directory_sync(d);
	return SQLITE_OK;
}

static int io_control(sqlite3_file *base, int op, void *arg)
{
	struct handle *h = handle_of(base);

	if (op == DB_SYNC_AND_RENAME)
		return sync_and_rename(h->disk, arg);
	if (op != DB_SYNC_DIRECTORY)
		return SQLITE_NOTFOUND;
	if (ask(h->disk, DISK_SYNC))
		return SQLITE_IOERR_DIR_FSYNC;
	directory_sync(h->disk);
	return SQLITE_OK;
}

static int io_sector(sqlite3_file *base)
{
	(void)base;
	return BLOCK;
}

static int io_traits(sqlite3_file *base)
{
	(void)base;
	return SQLITE_IOCAP_POWERSAFE_OVERWRITE; /* as the system's VFS says of every disk */
}

/* --- the journal's index, shared by connections --- */

static int shm_map(sqlite3_file *base, int region, int bytes, int extend, void volatile **out)
{
	struct handle *h = handle_of(base);
	struct file *f = h->file;

	assert(region < SHM_REGIONS_MAX);
	if (!h->shm)
		f->shm_users++;
	h->shm = true;
	if (!f->regions[region] && extend)
		f->regions[region] = zeroed((size_t)bytes);
	*out = f->regions[region];
	return SQLITE_OK;
}

static bool may_lock(const struct handle *h, int slot, bool exclusive)
{
	const struct file *f = h->file;
	int others = f->shm_shared[slot] - ((h->shm_shared >> slot) & 1);

	if (f->shm_exclusive[slot] && !((h->shm_exclusive >> slot) & 1))
		return false;
	return !exclusive || others == 0;
}

static void set_lock(struct handle *h, int slot, int flags)
{
	unsigned bit = 1u << slot;
	struct file *f = h->file;

	if (flags & SQLITE_SHM_EXCLUSIVE) {
		f->shm_exclusive[slot] = flags & SQLITE_SHM_LOCK;
		h->shm_exclusive = flags & SQLITE_SHM_LOCK ? h->shm_exclusive | bit : h->shm_exclusive & ~bit;
	} else if (flags & SQLITE_SHM_LOCK) {
		f->shm_shared[slot] += !(h->shm_shared & bit);
		h->shm_shared |= bit;
	} else {
		f->shm_shared[slot] -= !!(h->shm_shared & bit);
		h->shm_shared &= ~bit;
	}
}

static int shm_lock(sqlite3_file *base, int first, int n, int flags)
{
	struct handle *h = handle_of(base);

	if (flags & SQLITE_SHM_LOCK)
		for (int i = first; i < first + n; i++)
			if (!may_lock(h, i, flags & SQLITE_SHM_EXCLUSIVE))
				return SQLITE_BUSY;
	for (int i = first; i < first + n; i++)
		set_lock(h, i, flags);
	return SQLITE_OK;
}

static void shm_barrier(sqlite3_file *base)
{
	(void)base; /* one thread */
}

static int shm_unmap(sqlite3_file *base, int remove)
{
	struct handle *h = handle_of(base);

	if (!h->shm)
		return SQLITE_OK;
	for (int i = 0; i < SQLITE_SHM_NLOCK; i++) {
		if (h->shm_exclusive & (1u << i))
			set_lock(h, i, SQLITE_SHM_UNLOCK | SQLITE_SHM_EXCLUSIVE);
		set_lock(h, i, SQLITE_SHM_UNLOCK | SQLITE_SHM_SHARED);
	}
	h->shm = false;
	if (--h->file->shm_users == 0 && remove)
		file_drop_shm(h->file);
	return SQLITE_OK;
}

static const sqlite3_io_methods methods = {
	.iVersion = 2, .xClose = io_close, .xRead = io_read, .xWrite = io_write, .xTruncate = io_truncate, .xSync = io_sync,
	.xFileSize = io_size, .xLock = io_lock, .xUnlock = io_unlock, .xCheckReservedLock = io_is_reserved, .xFileControl = io_control,
	.xSectorSize = io_sector, .xDeviceCharacteristics = io_traits,
	.xShmMap = shm_map, .xShmLock = shm_lock, .xShmBarrier = shm_barrier, .xShmUnmap = shm_unmap,
};

/* --- the file system --- */

static struct disk *disk_of(sqlite3_vfs *vfs)
{
	return vfs->pAppData;
}

static int vfs_open(sqlite3_vfs *vfs, const char *text, sqlite3_file *base, int flags, int *out_flags)
{
	struct disk *d = disk_of(vfs);
	struct handle *h = handle_of(base);
	struct name *n = text ? name_of(d, text) : NULL;
	bool exists = n && n->now;

	base->pMethods = NULL;
	if (ask(d, DISK_OPEN) || (text && !exists && !(flags & SQLITE_OPEN_CREATE)))
		return SQLITE_CANTOPEN;
	*h = (struct handle){ .disk = d, .temporary = !text };
	h->file = exists ? n->now : zeroed(sizeof *h->file);
	if (text && !exists) {
		name_set(d, &name_add(d, text)->now, h->file);
		h->syncs_name = flags & (SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL | SQLITE_OPEN_SUPER_JOURNAL);
	}
	base->pMethods = &methods;
	if (out_flags)
		*out_flags = flags;
	return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *text, int sync)
{
	struct disk *d = disk_of(vfs);
	struct name *n = name_of(d, text);

	if (ask(d, DISK_DELETE))
		return SQLITE_IOERR_DELETE;
	if (!n || !n->now)
		return SQLITE_IOERR_DELETE_NOENT;
	name_set(d, &n->now, NULL);
	if (sync)
		name_set(d, &n->safe, NULL);
	return SQLITE_OK;
}

static int vfs_access(sqlite3_vfs *vfs, const char *text, int flags, int *yes)
{
	struct disk *d = disk_of(vfs);
	const struct name *n = name_of(d, text);

	*yes = n && n->now && (flags != SQLITE_ACCESS_EXISTS || n->now->now.size > 0);
	return SQLITE_OK;
}

static int vfs_full_path(sqlite3_vfs *vfs, const char *text, int size, char *out)
{
	(void)vfs;
	sqlite3_snprintf(size, out, "%s", text);
	return SQLITE_OK;
}

static int vfs_randomness(sqlite3_vfs *vfs, int n, char *out)
{
	(void)vfs;
	rand_bytes(out, (size_t)n);
	return n;
}

static int vfs_sleep(sqlite3_vfs *vfs, int us)
{
	(void)vfs;
	return us;
}

static int vfs_time(sqlite3_vfs *vfs, double *julian)
{
	(void)vfs;
	*julian = 2440587.5; /* 1970: nothing of ours asks SQLite what time it is */
	return SQLITE_OK;
}

static int vfs_last_error(sqlite3_vfs *vfs, int size, char *out)
{
	(void)vfs;
	if (size)
		*out = '\0';
	return 0;
}

struct disk *disk_new(disk_guard *guard, void *ctx)
{
	struct disk *d = zeroed(sizeof *d);
	int rc;

	d->guard = guard;
	d->guard_ctx = ctx;
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); /* as the store does, whose word would come too late: before the first use */
	d->vfs = (sqlite3_vfs){ .iVersion = 1, .szOsFile = sizeof(struct handle), .mxPathname = NAME_MAX_CHARS, .zName = VFS_NAME, .pAppData = d,
		.xOpen = vfs_open, .xDelete = vfs_delete, .xAccess = vfs_access, .xFullPathname = vfs_full_path,
		.xRandomness = vfs_randomness, .xSleep = vfs_sleep, .xCurrentTime = vfs_time, .xGetLastError = vfs_last_error };
	rc = sqlite3_vfs_register(&d->vfs, 0);
	assert(rc == SQLITE_OK);
	(void)rc;
	return d;
}

void disk_free(struct disk *d)
{
	sqlite3_vfs_unregister(&d->vfs);
	for (size_t i = 0; i < d->names_count; i++) {
		name_set(d, &d->names[i].now, NULL);
		name_set(d, &d->names[i].safe, NULL);
	}
	free(d);
}

const char *disk_vfs(const struct disk *d)
{
	return d->vfs.zName;
}

void disk_set_dead(struct disk *d, bool dead)
{
	d->dead = dead;
}

/* --- the power goes --- */

static void tear(struct file *f, uint64_t (*draw)(void *ctx), void *ctx)
{
	size_t size = f->safe.size;

	for (size_t i = 0; i < f->blocks; i++)
		if (f->unsynced[i] && draw(ctx) % 2)
			image_copy_block(&f->safe, &f->now, i);
	if (f->now.size < size && draw(ctx) % 2) /* a cut is kept, or not */
		image_cut(&f->safe, f->now.size);
}

static void lose(struct file *f)
{
	image_cut(&f->now, 0);
	if (f->safe.size)
		image_write(&f->now, 0, f->safe.bytes, f->safe.size);
	forget_unsynced(f);
}

/* Whoever held it is gone, closed or not. */
static void file_let_go(struct file *f)
{
	file_drop_shm(f);
	f->shared = f->shm_users = 0;
	f->reserved = f->exclusive = false;
	memset(f->shm_shared, 0, sizeof f->shm_shared);
	memset(f->shm_exclusive, 0, sizeof f->shm_exclusive);
}

void disk_end(struct disk *d, enum disk_end how, uint64_t (*draw)(void *ctx), void *ctx)
{
	for (size_t i = 0; i < d->names_count; i++) {
		struct name *n = &d->names[i];

		if (n->now)
			file_let_go(n->now);
		if (how == DISK_AFTER_KILL)
			continue;
		if (how == DISK_AFTER_TEAR && n->now != n->safe && draw(ctx) % 2)
			name_set(d, &n->safe, n->now);
		if (how == DISK_AFTER_TEAR && n->safe)
			tear(n->safe, draw, ctx);
		name_set(d, &n->now, n->safe);
		if (n->now)
			lose(n->now);
	}
}

/* --- looking inside --- */

static bool image_holds(const struct image *i, struct str bytes)
{
	return i->size && memmem(i->bytes, i->size, bytes.at, bytes.len);
}

bool disk_holds(const struct disk *d, struct str bytes)
{
	for (size_t i = 0; i < d->names_count; i++) {
		const struct name *n = &d->names[i];

		if ((n->now && image_holds(&n->now->now, bytes)) || (n->safe && image_holds(&n->safe->safe, bytes)))
			return true;
	}
	return false;
}
