/* A headless Chromium, driven through chromedriver by the WebDriver protocol (W3C): what a person does with a page.
 *
 * Looking for something waits until the page has it, in the driver, up to WEBDRIVER_WAIT_MS; nothing here sleeps. An
 * element that the page has just built anew is looked for again. XPath says what is meant: "//button[.='Pay']".
 *
 * Whatever cannot be done fails the test (cmocka) with the driver's words. */
#ifndef OBOL_E2E_WEBDRIVER_H
#define OBOL_E2E_WEBDRIVER_H

#include <stdbool.h>

#define WEBDRIVER_WAIT_MS 20000

struct webdriver;

struct webdriver *webdriver_new(void);
/* Ends both; their profile, a directory of its own under TMPDIR, is removed. NULL is fine. */
void webdriver_free(struct webdriver *w);
void webdriver_open(struct webdriver *w, int width, int height); /* starts both */

void webdriver_go(struct webdriver *w, const char *url);
void webdriver_await(struct webdriver *w, const char *xpath);
void webdriver_click(struct webdriver *w, const char *xpath);
void webdriver_type(struct webdriver *w, const char *xpath, const char *text); /* "\n" is Enter */
/* Terminated; borrowed until the next call. */
const char *webdriver_text(struct webdriver *w, const char *xpath);
/* A script's return value as text; until the next call. */
const char *webdriver_run(struct webdriver *w, const char *script);
void webdriver_resize(struct webdriver *w, int width, int height);
void webdriver_picture(struct webdriver *w, const char *path); /* PNG of what is seen */
void webdriver_picture_of(struct webdriver *w, const char *xpath, const char *path);

#endif
