#pragma once
#include <errno.h>
#include <gpiod.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

// One set of functions over libgpiod 1.6 (Debian 12) and 2.x (Debian 13), whose interfaces have nothing in common. Neither
// header tells its version; this macro left with 2.0. All functions here return -1 with errno on failure.
#ifdef GPIOD_LINE_BULK_MAX_LINES
#define DOORWARD_GPIOD_1 1
#else
#define DOORWARD_GPIOD_1 0
#endif

// The kernel's names are at most 31 bytes (GPIO_MAX_NAME_SIZE).
typedef struct doorward_gpio_chip_info {
    char name[32];
    char label[32];
    unsigned int lines;
} doorward_gpio_chip_info;

typedef struct doorward_gpio_line_info {
    char name[32];     // empty for none
    char consumer[32]; // empty for none
    bool is_used;
    bool is_output;
} doorward_gpio_line_info;

typedef enum doorward_gpio_bias {
    DOORWARD_GPIO_BIAS_AS_IS,
    DOORWARD_GPIO_BIAS_DISABLED,
    DOORWARD_GPIO_BIAS_PULL_UP,
    DOORWARD_GPIO_BIAS_PULL_DOWN,
} doorward_gpio_bias;

// A requested line.
typedef struct doorward_gpio_line {
#if DOORWARD_GPIOD_1
    struct gpiod_chip *chip;
    struct gpiod_line *line;
#else
    struct gpiod_line_request *request;
    struct gpiod_edge_event_buffer *events;
    unsigned int offset;
#endif
} doorward_gpio_line;

static inline void doorward_gpio_copy(char destination[32], const char *source) {
    strncpy(destination, source ? source : "", 31);
    destination[31] = 0;
}

#if DOORWARD_GPIOD_1

// Whether a request's debounce period is kept by the kernel.
static inline bool doorward_gpio_debounces(void) { return false; }

static inline int doorward_gpio_get_chip_info(struct gpiod_chip *chip, doorward_gpio_chip_info *info) {
    doorward_gpio_copy(info->name, gpiod_chip_name(chip));
    doorward_gpio_copy(info->label, gpiod_chip_label(chip));
    info->lines = gpiod_chip_num_lines(chip);
    return 0;
}

static inline int doorward_gpio_get_line_info(struct gpiod_chip *chip, unsigned int offset,
                                              doorward_gpio_line_info *info) {
    struct gpiod_line *line = gpiod_chip_get_line(chip, offset);
    if (!line) return -1;
    doorward_gpio_copy(info->name, gpiod_line_name(line));
    doorward_gpio_copy(info->consumer, gpiod_line_consumer(line));
    info->is_used = gpiod_line_is_used(line);
    info->is_output = gpiod_line_direction(line) == GPIOD_LINE_DIRECTION_OUTPUT;
    return 0;
}

static inline void doorward_gpio_release(doorward_gpio_line *line) {
    gpiod_chip_close(line->chip); // releases its lines
}

static inline int doorward_gpio_open(doorward_gpio_line *line, const char *path, unsigned int offset) {
    line->chip = gpiod_chip_open(path);
    if (!line->chip) return -1;
    line->line = gpiod_chip_get_line(line->chip, offset);
    if (line->line) return 0;
    int error = errno;
    gpiod_chip_close(line->chip);
    errno = error;
    return -1;
}

static inline int doorward_gpio_request_input(doorward_gpio_line *line, const char *path, unsigned int offset,
                                              const char *consumer, bool active_low, doorward_gpio_bias bias,
                                              unsigned long debounce_us) {
    (void)debounce_us;
    if (doorward_gpio_open(line, path, offset)) return -1;
    int flags = active_low ? GPIOD_LINE_REQUEST_FLAG_ACTIVE_LOW : 0;
    switch (bias) {
    case DOORWARD_GPIO_BIAS_AS_IS: break;
    case DOORWARD_GPIO_BIAS_DISABLED: flags |= GPIOD_LINE_REQUEST_FLAG_BIAS_DISABLE; break;
    case DOORWARD_GPIO_BIAS_PULL_UP: flags |= GPIOD_LINE_REQUEST_FLAG_BIAS_PULL_UP; break;
    case DOORWARD_GPIO_BIAS_PULL_DOWN: flags |= GPIOD_LINE_REQUEST_FLAG_BIAS_PULL_DOWN; break;
    }
    if (!gpiod_line_request_both_edges_events_flags(line->line, consumer, flags)) return 0;
    int error = errno;
    doorward_gpio_release(line);
    errno = error;
    return -1;
}

static inline int doorward_gpio_request_output(doorward_gpio_line *line, const char *path, unsigned int offset,
                                               const char *consumer, bool active_low) {
    if (doorward_gpio_open(line, path, offset)) return -1;
    int flags = active_low ? GPIOD_LINE_REQUEST_FLAG_ACTIVE_LOW : 0;
    if (!gpiod_line_request_output_flags(line->line, consumer, flags, 0)) return 0;
    int error = errno;
    doorward_gpio_release(line);
    errno = error;
    return -1;
}

// The descriptor that is readable while events wait.
static inline int doorward_gpio_fd(doorward_gpio_line *line) { return gpiod_line_event_get_fd(line->line); }

// Takes one event; it must be there. `time` is CLOCK_MONOTONIC since Linux 5.7.
static inline int doorward_gpio_read_event(doorward_gpio_line *line, bool *is_active, int64_t *time) {
    struct gpiod_line_event event;
    if (gpiod_line_event_read(line->line, &event)) return -1;
    *is_active = event.event_type == GPIOD_LINE_EVENT_RISING_EDGE;
    *time = (int64_t)event.ts.tv_sec * 1000000000 + event.ts.tv_nsec;
    return 0;
}

// 1 for active, 0 for inactive.
static inline int doorward_gpio_get(doorward_gpio_line *line) { return gpiod_line_get_value(line->line); }

static inline int doorward_gpio_set(doorward_gpio_line *line, bool is_active) {
    return gpiod_line_set_value(line->line, is_active);
}

#else

static inline bool doorward_gpio_debounces(void) { return true; }

static inline int doorward_gpio_get_chip_info(struct gpiod_chip *chip, doorward_gpio_chip_info *info) {
    struct gpiod_chip_info *found = gpiod_chip_get_info(chip);
    if (!found) return -1;
    doorward_gpio_copy(info->name, gpiod_chip_info_get_name(found));
    doorward_gpio_copy(info->label, gpiod_chip_info_get_label(found));
    info->lines = (unsigned int)gpiod_chip_info_get_num_lines(found);
    gpiod_chip_info_free(found);
    return 0;
}

static inline int doorward_gpio_get_line_info(struct gpiod_chip *chip, unsigned int offset,
                                              doorward_gpio_line_info *info) {
    struct gpiod_line_info *found = gpiod_chip_get_line_info(chip, offset);
    if (!found) return -1;
    doorward_gpio_copy(info->name, gpiod_line_info_get_name(found));
    doorward_gpio_copy(info->consumer, gpiod_line_info_get_consumer(found));
    info->is_used = gpiod_line_info_is_used(found);
    info->is_output = gpiod_line_info_get_direction(found) == GPIOD_LINE_DIRECTION_OUTPUT;
    gpiod_line_info_free(found);
    return 0;
}

static inline void doorward_gpio_release(doorward_gpio_line *line) {
    gpiod_edge_event_buffer_free(line->events);
    gpiod_line_request_release(line->request);
}

// Takes over `settings`; null stands for no memory.
static inline int doorward_gpio_request(doorward_gpio_line *line, const char *path, unsigned int offset,
                                        const char *consumer, struct gpiod_line_settings *settings) {
    struct gpiod_chip *chip = gpiod_chip_open(path);
    struct gpiod_line_config *lines = gpiod_line_config_new();
    struct gpiod_request_config *request = gpiod_request_config_new();
    line->request = NULL;
    line->offset = offset;
    // Of one line: a burst that it cannot hold stays in the kernel for the next read.
    line->events = gpiod_edge_event_buffer_new(1);
    if (chip && lines && request && settings && line->events &&
        !gpiod_line_config_add_line_settings(lines, &offset, 1, settings)) {
        gpiod_request_config_set_consumer(request, consumer);
        line->request = gpiod_chip_request_lines(chip, request, lines);
    }
    int error = errno;
    if (!line->request && line->events) gpiod_edge_event_buffer_free(line->events);
    if (settings) gpiod_line_settings_free(settings);
    if (request) gpiod_request_config_free(request);
    if (lines) gpiod_line_config_free(lines);
    if (chip) gpiod_chip_close(chip);
    errno = error;
    return line->request ? 0 : -1;
}

static inline int doorward_gpio_request_input(doorward_gpio_line *line, const char *path, unsigned int offset,
                                              const char *consumer, bool active_low, doorward_gpio_bias bias,
                                              unsigned long debounce_us) {
    struct gpiod_line_settings *settings = gpiod_line_settings_new();
    if (settings) {
        gpiod_line_settings_set_direction(settings, GPIOD_LINE_DIRECTION_INPUT);
        gpiod_line_settings_set_edge_detection(settings, GPIOD_LINE_EDGE_BOTH);
        gpiod_line_settings_set_active_low(settings, active_low);
        gpiod_line_settings_set_debounce_period_us(settings, debounce_us);
        gpiod_line_settings_set_event_clock(settings, GPIOD_LINE_CLOCK_MONOTONIC);
        switch (bias) {
        case DOORWARD_GPIO_BIAS_AS_IS: break;
        case DOORWARD_GPIO_BIAS_DISABLED: gpiod_line_settings_set_bias(settings, GPIOD_LINE_BIAS_DISABLED); break;
        case DOORWARD_GPIO_BIAS_PULL_UP: gpiod_line_settings_set_bias(settings, GPIOD_LINE_BIAS_PULL_UP); break;
        case DOORWARD_GPIO_BIAS_PULL_DOWN: gpiod_line_settings_set_bias(settings, GPIOD_LINE_BIAS_PULL_DOWN); break;
        }
    }
    return doorward_gpio_request(line, path, offset, consumer, settings);
}

static inline int doorward_gpio_request_output(doorward_gpio_line *line, const char *path, unsigned int offset,
                                               const char *consumer, bool active_low) {
    struct gpiod_line_settings *settings = gpiod_line_settings_new();
    if (settings) {
        gpiod_line_settings_set_direction(settings, GPIOD_LINE_DIRECTION_OUTPUT);
        gpiod_line_settings_set_active_low(settings, active_low);
        gpiod_line_settings_set_output_value(settings, GPIOD_LINE_VALUE_INACTIVE);
    }
    return doorward_gpio_request(line, path, offset, consumer, settings);
}

static inline int doorward_gpio_fd(doorward_gpio_line *line) { return gpiod_line_request_get_fd(line->request); }

static inline int doorward_gpio_read_event(doorward_gpio_line *line, bool *is_active, int64_t *time) {
    if (gpiod_line_request_read_edge_events(line->request, line->events, 1) != 1) return -1;
    struct gpiod_edge_event *event = gpiod_edge_event_buffer_get_event(line->events, 0);
    *is_active = gpiod_edge_event_get_event_type(event) == GPIOD_EDGE_EVENT_RISING_EDGE;
    *time = (int64_t)gpiod_edge_event_get_timestamp_ns(event);
    return 0;
}

static inline int doorward_gpio_get(doorward_gpio_line *line) {
    switch (gpiod_line_request_get_value(line->request, line->offset)) {
    case GPIOD_LINE_VALUE_ACTIVE: return 1;
    case GPIOD_LINE_VALUE_INACTIVE: return 0;
    default: return -1;
    }
}

static inline int doorward_gpio_set(doorward_gpio_line *line, bool is_active) {
    return gpiod_line_request_set_value(line->request, line->offset,
                                        is_active ? GPIOD_LINE_VALUE_ACTIVE : GPIOD_LINE_VALUE_INACTIVE);
}

#endif
