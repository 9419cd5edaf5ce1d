/* Clocks. int not_this(void) { } */
#include <stdio.h>

#define SQUARE(x) ((x) * (x))
#define LIMIT 10

struct wheel;

/* A wheel. */
struct wheel {
    int teeth;
    int (*turn)(struct wheel *self, int by);
};

typedef struct {
    struct wheel wheels[3];
} clock_t2;

typedef struct spring {
    int force;
} spring_t;

typedef int (*tick_fn)(int);

enum hand { HOUR, MINUTE };
union face { int digits; char *name; };

static const char *text = "int in_string(void) {}";
int counter, *pointer = &counter;

#ifdef FAST
int tick(int by);
#else
// Counts on.
static int
tick(int by)
{
    int local = by;
    return SQUARE(local);
}
#endif

const char **names(void) { return 0; }

struct gear { int size; } small_gear, *big_gear;

int torn(int a {
    if (a) {
}

void after(void) {
    puts("end");
}
