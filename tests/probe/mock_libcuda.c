/* A pretended libcuda.so.1 with faults to order, by environment variables:
 *   MOCK_N        number of GPUs (2)                MOCK_MIB      memory of each, in MiB (40)
 *   MOCK_INIT     what cuInit answers (0)           MOCK_INIT_FILE  cuInit refuses while this file exists, and removes it
 *   MOCK_CTX      what a context answers (0)        MOCK_JIT      what loading the kernels answers (0)
 *   MOCK_ALLOC    what an allocation above 1 MiB answers (0)
 *   MOCK_MHZ      clock (1980)                      MOCK_NS       0: the timer of the GPU stands still
 *   MOCK_USED     MiB that somebody else uses (0)   MOCK_COPY_MS  how long a copy to or from the host takes (0)
 *   MOCK_BADMEM, MOCK_BADBLOCK, MOCK_BADLANE, MOCK_FLAKY, MOCK_HANG, MOCK_CRASH: number of the GPU that has the fault (none)
 *   MOCK_HANG_INIT  cuInit never answers            MOCK_LOG      a file that gets a line for each allocation and release
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef uint64_t address;
static __thread int current = -1;

static long number(const char *name, long otherwise) {
  const char *text = getenv(name);
  return text ? atol(text) : otherwise;
}
static int has(const char *fault) { return number(fault, -1) == current; }
static void logged(const char *what, address place) {
  const char *path = getenv("MOCK_LOG");
  if (!path) return;
  FILE *file = fopen(path, "a");
  if (!file) return;
  fprintf(file, "%s %d %llx\n", what, current, (unsigned long long)place);
  fclose(file);
}

int cuInit(unsigned flags) {
  const char *file = getenv("MOCK_INIT_FILE");
  (void)flags;
  if (number("MOCK_HANG_INIT", 0)) sleep(600);
  if (file) return unlink(file) == 0 ? 999 : 0;
  return number("MOCK_INIT", 0);
}
int cuDriverGetVersion(int *version) { *version = 12080; return 0; }
int cuDeviceGetCount(int *count) { *count = number("MOCK_N", 2); return 0; }
int cuDeviceGet(int *device, int index) { *device = index; return 0; }
int cuDeviceGetName(char *name, int length, int device) { (void)device; snprintf(name, length, "NVIDIA MOCK"); return 0; }
int cuDeviceGetUuid(void *uuid, int device) { memset(uuid, device + 1, 16); return 0; }
int cuDeviceGetAttribute(int *value, int attribute, int device) {
  *value = attribute == 16 ? 4 : attribute == 13 ? 1980000 : attribute == 75 ? 9 : attribute == 33 ? device + 1 : 0;
  return 0;
}
int cuDevicePrimaryCtxRetain(void **context, int device) { *context = (void *)(intptr_t)(device + 1); return number("MOCK_CTX", 0); }
int cuDevicePrimaryCtxRelease_v2(int device) { logged("release", device); return 0; }
int cuCtxSetCurrent(void *context) { current = (int)(intptr_t)context - 1; return 0; }
int cuCtxSynchronize(void) { if (has("MOCK_HANG")) sleep(600); return 0; }
int cuMemGetInfo_v2(size_t *free_, size_t *total) {
  *total = (size_t)number("MOCK_MIB", 40) << 20;
  *free_ = *total - ((size_t)number("MOCK_USED", 0) << 20);
  return 0;
}
int cuMemAlloc_v2(address *place, size_t size) {
  if (size > 1 << 20 && number("MOCK_ALLOC", 0)) return number("MOCK_ALLOC", 0);
  *place = (address)calloc(1, size);
  logged("alloc", *place);
  return *place ? 0 : 2;
}
int cuMemFree_v2(address place) { logged("free", place); free((void *)place); return 0; }
int cuMemHostAlloc(void **place, size_t size, unsigned flags) { (void)flags; *place = calloc(1, size); return 0; }
int cuMemFreeHost(void *place) { free(place); return 0; }
int cuMemcpyDtoD_v2(address to, address from, size_t size) { memmove((void *)to, (void *)from, size); return 0; }
int cuMemcpyHtoD_v2(address to, void *from, size_t size) { usleep(number("MOCK_COPY_MS", 0) * 1000); memcpy((void *)to, from, size); return 0; }
int cuMemcpyDtoH_v2(void *to, address from, size_t size) {
  if (size > 4 << 20) usleep(number("MOCK_COPY_MS", 0) * 1000);
  memcpy(to, (void *)from, size);
  return 0;
}
int cuMemsetD32_v2(address to, unsigned value, size_t count) {
  uint32_t *place = (uint32_t *)to;
  while (count--) *place++ = value;
  return 0;
}
int cuDeviceCanAccessPeer(int *can, int one, int other) { *can = one + other != 2; return 0; }
int cuModuleLoadData(void **module, const char *ptx) {
  *module = (void *)1;
  return number("MOCK_JIT", strstr(ptx, ".visible .entry rp_burn(") ? 0 : 218);
}
int cuModuleGetFunction(void **kernel, void *module, const char *name) {
  (void)module;
  *kernel = (void *)(intptr_t)(!strcmp(name, "rp_fill") ? 1 : !strcmp(name, "rp_check") ? 2 : !strcmp(name, "rp_burn") ? 3 : 0);
  return *kernel ? 0 : 500;
}

/* Every step for real: the closed form of the host is held against something else. */
static void burn(address out, address times, uint32_t steps, unsigned blocks) {
  static __thread uint32_t known[256], known_steps;
  uint32_t *results = (uint32_t *)out;
  uint64_t *clocks = (uint64_t *)times;
  usleep(steps / 100);
  if (known_steps != steps) {
    for (unsigned lane = 0; lane < 256; lane++) known[lane] = lane;
    for (uint32_t i = 0; i < steps; i++)
      for (unsigned lane = 0; lane < 256; lane++) known[lane] = known[lane] * 1664525u + 1013904223u;
    known_steps = steps;
  }
  for (unsigned block = 0; block < blocks; block++) {
    for (unsigned lane = 0; lane < 256; lane++) {
      results[2 * (block * 256 + lane)] = known[lane];
      results[2 * (block * 256 + lane) + 1] = lane * 7;
    }
    clocks[2 * block] = (uint64_t)number("MOCK_MHZ", 1980) * 1000;
    clocks[2 * block + 1] = 1000000 * number("MOCK_NS", 1);
  }
  if (has("MOCK_BADBLOCK")) results[2 * (3 * 256 + 5) + 1] ^= 0x10;
  if (has("MOCK_BADLANE"))
    for (unsigned block = 0; block < blocks; block++) results[2 * (block * 256 + 7)] ^= 1;
  if (has("MOCK_FLAKY") && steps > 64) {
    static int runs;
    if (++runs % 2) results[2 * 9] ^= 0x8000;
  }
}
static uint32_t held(uint64_t index, int which, uint32_t seed) {
  uint32_t word = ((uint32_t)index << 2 ^ (uint32_t)(index >> 30)) * 0x9E3779B1u;
  word = (word ^ word >> 15) ^ seed;
  return which == 0 ? word : which == 1 ? word ^ 0x55555555u : which == 2 ? word ^ 0x33333333u : ~word;
}
static void memory(int fills, address ptr, uint64_t words, uint32_t seed, uint64_t *errors) {
  uint32_t *place = (uint32_t *)ptr;
  for (uint64_t i = 0; i < words; i++) {
    int differs = 0;
    for (int which = 0; which < 4; which++) {
      if (fills) place[4 * i + which] = held(i, which, seed);
      else differs |= place[4 * i + which] != held(i, which, seed);
    }
    if (differs) ++*errors;
  }
  /* a bit that is stuck at 1 */
  if (fills && has("MOCK_BADMEM")) place[123456] |= 4;
}
int cuLaunchKernel(void *kernel, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
                   unsigned shared, void *stream, void **parameters, void **extra) {
  (void)gy, (void)gz, (void)by, (void)bz, (void)shared, (void)stream, (void)extra;
  if (bx != 256) return 1;
  if (has("MOCK_CRASH")) abort();
  address first = *(address *)parameters[0], second = *(address *)parameters[1];
  uint32_t third = *(uint32_t *)parameters[2];
  if ((intptr_t)kernel == 3) burn(first, second, third, gx);
  else memory((intptr_t)kernel == 1, first, second, third, (intptr_t)kernel == 1 ? 0 : *(uint64_t **)parameters[3]);
  return 0;
}
