// Compresses text at every level and strategy and takes it apart again, by the one-call and the streaming functions.
#include "zlib.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIZE 60000

static unsigned char text[SIZE], packed[SIZE * 2], unpacked[SIZE];

// Words in an order that looks like no order, and is the same everywhere.
static void write_text(void) {
  static const char *const words[] = {"section ", "segment ", "symbol ", "relocation\n", "chunk ", "table "};
  unsigned state = 1;
  for (size_t size = 0; size < SIZE;) {
    state = state * 1103515245 + 12345;
    const char *word = words[(state >> 16) % 6];
    for (; *word && size < SIZE; word++) text[size++] = (unsigned char)*word;
  }
}

static uLong stream(int level, int strategy, int window) {
  z_stream out = {0};
  if (deflateInit2(&out, level, Z_DEFLATED, window, 8, strategy) != Z_OK) exit(1);
  out.next_in = text, out.avail_in = SIZE;
  out.next_out = packed, out.avail_out = sizeof packed;
  if (deflate(&out, Z_FINISH) != Z_STREAM_END || deflateEnd(&out) != Z_OK) exit(2);

  z_stream in = {0};
  memset(unpacked, 0, SIZE);
  if (inflateInit2(&in, window) != Z_OK) exit(3);
  in.next_in = packed, in.avail_in = (uInt)out.total_out;
  int result = Z_OK;
  // A few bytes at a time, as from a network.
  for (size_t size = 0; result == Z_OK; size += 997) {
    in.next_out = unpacked + size;
    in.avail_out = size + 997 < SIZE ? 997 : (uInt)(SIZE - size);
    result = inflate(&in, Z_NO_FLUSH);
  }
  if (result != Z_STREAM_END || inflateEnd(&in) != Z_OK) exit(4);
  if (memcmp(text, unpacked, SIZE)) exit(5);
  return out.total_out;
}

int main(void) {
  write_text();
  printf("zlib %d, crc32 %08lx, adler32 %08lx\n", zlibVersion()[0] - '0', crc32(0, text, SIZE), adler32(1, text, SIZE));
  for (int level = 0; level <= 9; level++) {
    uLongf size = sizeof packed, back = SIZE;
    if (compress2(packed, &size, text, SIZE, level) != Z_OK) return 6;
    if (uncompress(unpacked, &back, packed, size) != Z_OK || back != SIZE) return 7;
    printf("level %d: %s\n", level, size < (level ? SIZE / 3 : SIZE * 2) ? "ok" : "too large");
  }
  for (int strategy = Z_DEFAULT_STRATEGY; strategy <= Z_FIXED; strategy++)
    printf("strategy %d: %s\n", strategy, stream(6, strategy, -15) < SIZE ? "ok" : "too large");
  printf("gzip: %s\n", stream(9, Z_DEFAULT_STRATEGY, 31) < SIZE ? "ok" : "too large");
  return 0;
}
