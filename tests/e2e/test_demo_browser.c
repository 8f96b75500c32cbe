/* The sandbox as a newcomer uses it: the page in a real browser, the real bot behind it, one purchase with Stars,
 * one scan of the QR code from the screen. Pictures of it go to build/pictures. */
#include "tests/unit/proves.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "tests/e2e/webdriver.h"

#define PICTURES "build/pictures"
#define GUARD_S 180
#define CUSTOMER "//article[.//small='customer']"
#define ADMIN "//article[.//small='admin']"

struct sandbox {
	pid_t pid;
	FILE *words;
	char url[128];
	struct webdriver *browser;
};

/* --- the sandbox --- */

static void become_sandbox(int out)
{
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	execl("build/demo", "demo", "--panels", "1", "--bot", "build/obol-san", (char *)NULL);
	_exit(127);
}

/* Reads until a line with the words; the end of what it says is a failure. */
static void await_words(struct sandbox *s, char *line, size_t size, const char *words)
{
	while (fgets(line, (int)size, s->words))
		if (strstr(line, words))
			return;
	fail_msg("the sandbox never said \"%s\"", words);
}

/* Nothing that can fail: without this there would be no end that cleans up. */
static int prepare(void **state)
{
	struct sandbox *s = xcalloc(1, sizeof *s);

	s->browser = webdriver_new();
	*state = s;
	mkdir(PICTURES, 0777);
	return 0;
}

static void open_sandbox(struct sandbox *s)
{
	char line[512];
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0)
		fail_msg("no pipe");
	s->pid = fork();
	if (s->pid == 0)
		become_sandbox(ends[1]);
	close(ends[1]);
	s->words = fdopen(ends[0], "r");
	await_words(s, line, sizeof line, "http://");
	snprintf(s->url, sizeof s->url, "%.*s", (int)strcspn(strstr(line, "http://"), "\n"), strstr(line, "http://"));
	webdriver_open(s->browser, 1360, 900); /* while the admin sets the shop up */
	await_words(s, line, sizeof line, "The shop is set up");
}

/* Ctrl-C is an orderly end; any other is explained by what it said. */
static int close_sandbox(void **state)
{
	struct sandbox *s = *state;
	char line[512];
	int status = -1;

	webdriver_free(s->browser);
	if (s->pid > 0) {
		kill(s->pid, SIGINT);
		while (s->words && fgets(line, sizeof line, s->words))
			fputs(line, stderr);
		waitpid(s->pid, &status, 0);
	}
	if (s->words)
		fclose(s->words);
	free(s);
	return status;
}

/* --- what a person does --- */

static void tap(struct sandbox *s, const char *label)
{
	char xpath[256];

	snprintf(xpath, sizeof xpath, "(" CUSTOMER "//div[@class='keyboard']//button[contains(.,'%s')])[last()]", label);
	webdriver_click(s->browser, xpath);
}

static void sees(struct sandbox *s, const char *who, const char *text)
{
	char xpath[256];

	snprintf(xpath, sizeof xpath, "%s//div[@class='bubble'][contains(.,'%s')]", who, text);
	webdriver_await(s->browser, xpath);
}

static void presses(struct sandbox *s, const char *label)
{
	char xpath[256];

	snprintf(xpath, sizeof xpath, "//dialog[@open]//button[.='%s']", label);
	webdriver_click(s->browser, xpath);
}

/* A phone's camera before the screen. */
static void assert_scans(const char *path, const char *wanted)
{
	char command[160], read[2048] = "";
	FILE *f;

	snprintf(command, sizeof command, "zbarimg -q --raw '%s' 2>/dev/null", path);
	f = popen(command, "r");
	assert_non_null(f);
	if (!fgets(read, sizeof read, f))
		fail_msg("the QR code on the screen cannot be read");
	pclose(f);
	read[strcspn(read, "\n")] = '\0';
	assert_string_equal(read, wanted);
}

static void test_purchase(void **state)
{
	struct sandbox *s = *state;
	struct webdriver *b = s->browser;
	char link[2048];

	open_sandbox(s);
	webdriver_go(b, s->url);
	sees(s, ADMIN, "/plan_add");
	tap(s, "Start");
	sees(s, CUSTOMER, "/start");
	tap(s, "Plans");
	tap(s, "⭐");                       /* the only plan, with its price */
	tap(s, "Telegram Stars");
	webdriver_click(b, CUSTOMER "//button[@class='pay']");
	webdriver_await(b, "//dialog[@open]//p[contains(.,'⭐')]");
	webdriver_picture(b, PICTURES "/pay.png");
	presses(s, "Confirm and pay");
	sees(s, CUSTOMER, "vless://");
	webdriver_await(b, CUSTOMER "//img");
	snprintf(link, sizeof link, "%s", webdriver_text(b, "(" CUSTOMER "//code[starts-with(.,'vless://')])[last()]"));
	assert_non_null(strchr(link, '@'));
	/* the panel's side of the page: the client is there, and may use traffic */
	webdriver_await(b, "//aside//td[contains(.,'GB')]");
	webdriver_await(b, CUSTOMER "//img[@src]");
	assert_string_equal(webdriver_run(b, "return String([...document.images].every(i => i.complete && i.naturalWidth > 100))"), "true");
	webdriver_picture(b, PICTURES "/sandbox.png");
	webdriver_picture_of(b, CUSTOMER, PICTURES "/customer.png");
	assert_scans(PICTURES "/customer.png", link);
	assert_string_equal(webdriver_text(b, "//*[@id='state']"), "");
}

/* A second customer joins, in another language; a command is typed. */
static void test_newcomer(void **state)
{
	struct sandbox *s = *state;
	struct webdriver *b = s->browser;

	webdriver_type(b, "//form[@id='newcomer']//input", "Вера");
	webdriver_click(b, "//form[@id='newcomer']//option[.='ru']");
	webdriver_click(b, "//form[@id='newcomer']//button");
	webdriver_type(b, "//article[.//strong='Вера']//textarea", "/plans\n");
	webdriver_await(b, "//article[.//strong='Вера']//div[@class='message']//button[contains(.,'⭐')]");
	webdriver_picture(b, PICTURES "/newcomer.png");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proves(test_purchase, "R270"),
		proves(test_newcomer, ""),
	};

	alarm(GUARD_S); /* every wait below has its own, shorter end */
	return cmocka_run_group_tests(tests, prepare, close_sandbox);
}
