/* libqrencode makes the modules, libpng the picture.
 *
 * A row of pixels is built once per row of modules, bit by bit, and written scale times. */
#include "lib/qr/qr.h"

#include <assert.h>
#include <errno.h>
#include <png.h>
#include <qrencode.h>
#include <stdlib.h>
#include <string.h>

enum {
	ECI_UTF8 = 26,
	QUIET_MODULES = 4, /* what the standard asks for around a code */
	SCALE_MAX = 16,    /* short texts need no poster */
	ROW_BYTES = QR_SIDE_PX_MAX / 8
};

/* Neither writing to memory nor our own few calls can fail for a reason of the world: what is left is no memory. */
static _Noreturn void on_png_error(png_structp png, png_const_charp why)
{
	(void)png;
	(void)why;
	abort();
}

static void on_png_warning(png_structp png, png_const_charp why)
{
	(void)png;
	(void)why;
}

static void on_png_bytes(png_structp png, png_bytep bytes, size_t n)
{
	buf_add(png_get_io_ptr(png), str_n((const char *)bytes, n));
}

static void on_png_flush(png_structp png)
{
	(void)png;
}

/* One row of modules as pixels: white is 1. modules NULL: all white. */
static void draw_row(unsigned char *row, const unsigned char *modules, int width, int scale)
{
	memset(row, 0xFF, ROW_BYTES);
	for (int i = 0; modules && i < width; i++) {
		if (!(modules[i] & 1))
			continue;
		for (int px = (QUIET_MODULES + i) * scale; px < (QUIET_MODULES + i + 1) * scale; px++)
			row[px / 8] &= (unsigned char)~(0x80 >> px % 8);
	}
}

static void write_rows(png_structp png, const QRcode *code, int scale)
{
	unsigned char row[ROW_BYTES];

	for (int y = -QUIET_MODULES; y < code->width + QUIET_MODULES; y++) {
		bool inside = y >= 0 && y < code->width;

		draw_row(row, inside ? code->data + y * code->width : NULL, code->width, scale);
		for (int i = 0; i < scale; i++)
			png_write_row(png, row);
	}
}

static void write_picture(struct buf *to, const QRcode *code)
{
	int modules = code->width + 2 * QUIET_MODULES;
	int scale = QR_SIDE_PX_MAX / modules < SCALE_MAX ? QR_SIDE_PX_MAX / modules : SCALE_MAX;
	png_uint_32 side = (png_uint_32)(modules * scale);
	png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, on_png_error, on_png_warning);
	png_infop info = png ? png_create_info_struct(png) : NULL;

	if (!info)
		abort();
	png_set_write_fn(png, to, on_png_bytes, on_png_flush);
	png_set_IHDR(png, info, side, side, 1, PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE,
	             PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
	/* repeated rows become zeros, which the quickest level packs well enough: 3 KB in place of 1, in half the time */
	png_set_filter(png, PNG_FILTER_TYPE_BASE, PNG_FILTER_UP);
	png_set_compression_level(png, 1);
	png_write_info(png, info);
	write_rows(png, code, scale);
	png_write_end(png, NULL);
	png_destroy_write_struct(&png, &info);
}

static bool is_ascii(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.at[i] >= 0x80)
			return false;
	return true;
}

/* Readers guess the encoding of bytes and take some UTF-8 for Shift-JIS, so other text than ASCII is declared. ASCII, as
 * links are, goes without: old readers show the declaration as a part of the text. */
static QRcode *encode(struct str text)
{
	QRinput *input = QRinput_new2(0, QR_ECLEVEL_L);
	QRcode *code = NULL;

	if (input && (is_ascii(text) || QRinput_appendECIheader(input, ECI_UTF8) == 0) &&
	    QRinput_append(input, QR_MODE_8, (int)text.len, (const unsigned char *)text.at) == 0)
		code = QRcode_encodeInput(input);
	QRinput_free(input);
	if (!code) {
		assert(errno == ENOMEM); /* QR_TEXT_BYTES_MAX always fits */
		abort();
	}
	return code;
}

enum err qr_png(struct buf *png, struct str text)
{
	QRcode *code;

	assert(png->max >= QR_PNG_BYTES_MAX);
	buf_clear(png);
	if (!text.len || memchr(text.at, '\0', text.len))
		return E_INVALID;
	if (text.len > QR_TEXT_BYTES_MAX)
		return E_TOOBIG;
	code = encode(text);
	write_picture(png, code);
	QRcode_free(code);
	assert(!png->over);
	return OK;
}
