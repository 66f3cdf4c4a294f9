/*
 * Preloaded into a private Redis by a test (LD_PRELOAD): its wall clock is off by the number of microseconds that the file
 * named in STREAMFOLD_TEST_CLOCK_FILE holds, a 64-bit integer in the byte order of the machine. The file is mapped, so a
 * write to it steps the clock at once. Clocks that only measure how long something takes stay right.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define MICROS 1000000LL

static const int64_t none = 0;
static const volatile int64_t *shift_micros = &none;

__attribute__((constructor)) static void map_shift(void) {
  const char *path = getenv("STREAMFOLD_TEST_CLOCK_FILE");
  if (path == NULL) return;
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  void *mapped = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
  close(file);
  if (mapped != MAP_FAILED) shift_micros = mapped;
}

/* The kernel is asked directly: the allocator of Redis asks for the time before libraries can be looked up. */
int clock_gettime(clockid_t clock, struct timespec *time) {
  if (syscall(SYS_clock_gettime, clock, time) != 0) return -1;
  if (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE) return 0;
  int64_t micros = time->tv_sec * MICROS + time->tv_nsec / 1000 + *shift_micros;
  time->tv_nsec = (micros % MICROS) * 1000 + time->tv_nsec % 1000;
  time->tv_sec = micros / MICROS;
  return 0;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
  (void)zone;
  struct timespec now;
  if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
  time->tv_sec = now.tv_sec;
  time->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *result) {
  struct timespec now;
  if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
  if (result != NULL) *result = now.tv_sec;
  return now.tv_sec;
}
