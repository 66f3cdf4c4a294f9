/*
 * Preloaded into a private Redis by a test (LD_PRELOAD): its wall clock is set by the file named in
 * STREAMFOLD_TEST_CLOCK_FILE, two 64-bit integers in the byte order of the machine. If the first one is 1, the clock runs and is
 * off by the second one, in microseconds; if it is 0, the clock stands at that time, in microseconds since 1970.
 * The file is mapped, so a write to it takes effect at once. Clocks that only measure durations stay right.
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

struct setting {
  int64_t running;
  int64_t micros;
};

static const struct setting true_time = {1, 0};
static const volatile struct setting *setting = &true_time;

__attribute__((constructor)) static void map_setting(void) {
  const char *path = getenv("STREAMFOLD_TEST_CLOCK_FILE");
  if (path == NULL) return;
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  void *mapped = mmap(NULL, sizeof(struct setting), PROT_READ, MAP_SHARED, file, 0);
  close(file);
  if (mapped != MAP_FAILED) setting = mapped;
}

/* The kernel is called directly: the allocator of Redis needs the time before libraries can be looked up. */
int clock_gettime(clockid_t clock, struct timespec *time) {
  if (syscall(SYS_clock_gettime, clock, time) != 0) return -1;
  if (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE) return 0;
  int64_t micros = setting->micros;
  if (setting->running) micros += time->tv_sec * MICROS + time->tv_nsec / 1000;
  time->tv_nsec = (micros % MICROS) * 1000;
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
