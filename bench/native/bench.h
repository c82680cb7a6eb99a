/* What all native peers share: arguments, the clock, and the line of JSON that bench/harness reads. */
#ifndef BENCH_H
#define BENCH_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SAMPLES_MAX 100000
#define SAMPLES_MIN 100

static double samples[SAMPLES_MAX];
static int sample_count;
static double started_ns, first_ns;

/* The same wall clock as Node's, for the ratios are between the two. */
static double now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e9 + t.tv_nsec;
}

/* `--ms N`: how long to measure. */
static double budget_ns(int argc, char **argv) {
  for (int i = 1; i + 1 < argc; i++)
    if (strcmp(argv[i], "--ms") == 0) return atof(argv[i + 1]) * 1e6;
  return 200e6;
}

static int goes_on(double budget) {
  if (first_ns == 0) first_ns = now_ns();
  return sample_count < SAMPLES_MAX && (sample_count < SAMPLES_MIN || now_ns() - first_ns < budget);
}

static int slices;

static void sample_start(void) {
  slices = 0;
  started_ns = now_ns();
}

static void sample_stop(double units) {
  double ns = now_ns() - started_ns;
  if (sample_count < SAMPLES_MAX) samples[sample_count++] = ns / units;
}

/*
 * Instead of `sample_stop`, after every so many units: when the slices so far took as long as a sample in Node, a quarter of
 * a millisecond, they are a sample, and the next one starts. Says whether they were.
 */
static inline int sample_slice(double units) {
  slices++;
  if (now_ns() - started_ns < 250e3) return 0;
  sample_stop(units * slices);
  sample_start();
  return 1;
}

static void print_samples(void) {
  printf("\"nsPerUnit\":[");
  for (int i = 0; i < sample_count; i++) printf(i ? ",%.3f" : "%.3f", samples[i]);
  printf("]");
}

#endif
