/* Values as text for people, in the arena: what customers and admins read alike. */
#ifndef OBOL_CHAT_WORDS_H
#define OBOL_CHAT_WORDS_H

#include "bot/shop/order.h"

const char *word_number(struct act *a, int64_t n); /* plain digits: for callback data, the log and the audit */
struct str word_money(struct act *a, const struct i18n_to *to, int64_t amount_minor, const char *currency);
struct str word_prices(struct act *a, const struct i18n_to *to, const struct price *prices, size_t count); /* none: a dash */
struct str word_quota(struct act *a, const struct i18n_to *to, int64_t quota_bytes); /* 0: the word for unlimited */
struct str word_days(struct act *a, const struct i18n_to *to, int days);             /* 0: the words for without end */
struct str word_public_id(struct act *a, const char *public_id);                     /* A7K2-9QX4-M1 */
struct str word_way(struct act *a, const struct i18n_to *to, const char *provider);  /* a way of paying */

#endif
