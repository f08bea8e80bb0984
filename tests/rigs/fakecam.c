/* Answers as Video4Linux cameras, for programs that use the `v4l` crate: no kernel support, no privilege.
 *
 *   cc -O1 -shared -fPIC -o fakecam.so fakecam.c -ldl -lpthread
 *   LD_PRELOAD=fakecam.so FAKECAM_CTL=control PROGRAM
 *
 * The crate calls syscall(SYS_ioctl, ...), not ioctl(); that, open, close, poll, mmap and the listing of /dev are
 * answered here. The file FAKECAM_CTL is read again at every call, so a test changes the camera while it streams:
 *
 *   stall        no picture comes                      short=N   pictures of N bytes
 *   nodev        it is unplugged                       drop=K    every Kth picture is lost, its number too
 *   eio, eagain  reading fails                         fps=N     it gives N a second, whatever was agreed
 *   busy         another program streams               index=N   it is at /dev/videoN (else FAKECAM_INDEX, else 0)
 *   denied       it may not be opened                  second    another camera is at /dev/video7, which has no fault
 *   errflag      every picture is marked as damaged    back      every tenth picture has the number before its own
 *   no640        it has lost 640x480                   latin     its name is no UTF-8
 *
 * Pictures are YUYV, or the JPEGs of the file FAKECAM_FRAMES one after another. YUYV pictures carry their number as 32
 * columns, black or white, the highest bit at the left, in their top 32 rows. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { BUFFERS = 8, OPENS = 64, PICTURES = 4096 };
static const uint32_t SIZES[][2] = {{320, 240}, {640, 480}, {1280, 720}};
static const uint32_t RATES[] = {60, 30, 15};

/* One camera; only one of those who opened it streams. */
struct camera {
    const char *name, *bus;
    int streamer, memory, buffers, streaming, queue[BUFFERS], first, queued;
    uint32_t width, height, fps, armed, number;
    size_t size;
    unsigned char *bytes;
};
static struct camera cameras[2] = {
    {"Fake Camera", "fake:0", .streamer = -1, .memory = -1, .width = 640, .height = 480, .fps = 30},
    {"Second Camera", "fake:1", .streamer = -1, .memory = -1, .width = 640, .height = 480, .fps = 30},
};
/* Whose each descriptor is, and what the control file says. */
static struct { int fd; struct camera *camera; } opened[OPENS];
static struct {
    int stall, nodev, eio, eagain, busy, denied, errflag, second, back, no640, latin, index;
    uint32_t fps, drop;
    long shortened;
} control;
static unsigned char *jpegs;
static size_t ends[PICTURES];
static int jpeg_count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static long (*real_syscall)(long, ...);
static int (*real_open)(const char *, int, ...);
static int (*real_close)(int);
static int (*real_poll)(struct pollfd *, nfds_t, int);
static void *(*real_mmap)(void *, size_t, int, int, int, off_t);
static DIR *(*real_opendir)(const char *);
static struct dirent64 *(*real_readdir64)(DIR *);

static void find_real(void) {
    if (real_syscall) return;
    real_open = dlsym(RTLD_NEXT, "open");
    real_close = dlsym(RTLD_NEXT, "close");
    real_poll = dlsym(RTLD_NEXT, "poll");
    real_mmap = dlsym(RTLD_NEXT, "mmap");
    real_opendir = dlsym(RTLD_NEXT, "opendir");
    real_readdir64 = dlsym(RTLD_NEXT, "readdir64");
    real_syscall = dlsym(RTLD_NEXT, "syscall");
}

__attribute__((constructor)) static void read_jpegs(void) {
    find_real();
    const char *path = getenv("FAKECAM_FRAMES");
    struct stat about;
    int fd = path ? real_open(path, O_RDONLY) : -1;
    if (fd < 0 || fstat(fd, &about)) return;
    jpegs = real_mmap(0, about.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    real_close(fd);
    for (off_t at = 0; at + 1 < about.st_size && jpeg_count < PICTURES; at++)
        if (jpegs[at] == 0xFF && jpegs[at + 1] == 0xD9) ends[jpeg_count++] = at + 2;
}

static long number_after(const char *text, const char *key, long otherwise) {
    const char *at = strstr(text, key);
    return at ? atol(at + strlen(key)) : otherwise;
}

static void read_control(void) {
    char text[512] = {0};
    const char *path = getenv("FAKECAM_CTL"), *index = getenv("FAKECAM_INDEX");
    int fd = path ? real_open(path, O_RDONLY) : -1;
    if (fd >= 0) {
        if (read(fd, text, sizeof text - 1) < 0) text[0] = 0;
        real_close(fd);
    }
    control.stall = !!strstr(text, "stall");
    control.nodev = !!strstr(text, "nodev");
    control.eio = !!strstr(text, "eio");
    control.eagain = !!strstr(text, "eagain");
    control.busy = !!strstr(text, "busy");
    control.denied = !!strstr(text, "denied");
    control.errflag = !!strstr(text, "errflag");
    control.second = !!strstr(text, "second");
    control.back = !!strstr(text, "back");
    control.latin = !!strstr(text, "latin");
    control.no640 = !!strstr(text, "no640");
    control.fps = number_after(text, "fps=", 0);
    control.drop = number_after(text, "drop=", 0);
    control.shortened = number_after(text, "short=", -1);
    control.index = number_after(text, "index=", index ? atoi(index) : 0);
}

static int faulty(const struct camera *camera) { return camera == &cameras[0]; }

static uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static struct camera *of(int fd) {
    for (int i = 0; fd >= 0 && i < OPENS; i++)
        if (opened[i].camera && opened[i].fd == fd) return opened[i].camera;
    return NULL;
}

static struct camera *at_path(const char *path) {
    char first[32];
    snprintf(first, sizeof first, "/dev/video%d", control.index);
    if (!strcmp(path, first)) return &cameras[0];
    return control.second && !strcmp(path, "/dev/video7") ? &cameras[1] : NULL;
}

static int fail(int error) {
    errno = error;
    return -1;
}

int open(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    int mode = va_arg(rest, int);
    va_end(rest);
    find_real();
    if (strncmp(path, "/dev/video", 10)) return real_open(path, flags, mode);
    pthread_mutex_lock(&lock);
    read_control();
    struct camera *camera = at_path(path);
    int fd = -1, error = 0, i = 0;
    while (i < OPENS && opened[i].camera) i++;
    if (!camera || i == OPENS) error = ENOENT;
    else if (faulty(camera) && control.nodev) error = ENODEV;
    else if (faulty(camera) && control.denied) error = EACCES;
    else {
        fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
        opened[i].fd = fd;
        opened[i].camera = camera;
    }
    pthread_mutex_unlock(&lock);
    return error ? fail(error) : fd;
}

int open64(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    int mode = va_arg(rest, int);
    va_end(rest);
    return open(path, flags, mode);
}

static void free_buffers(struct camera *camera) {
    if (camera->memory >= 0) {
        munmap(camera->bytes, camera->buffers * camera->size);
        real_close(camera->memory);
    }
    camera->memory = camera->streamer = -1;
    camera->buffers = camera->queued = camera->streaming = 0;
}

int close(int fd) {
    find_real();
    pthread_mutex_lock(&lock);
    for (int i = 0; i < OPENS; i++)
        if (opened[i].camera && opened[i].fd == fd) {
            if (opened[i].camera->streamer == fd) free_buffers(opened[i].camera);
            opened[i].camera = NULL;
        }
    pthread_mutex_unlock(&lock);
    return real_close(fd);
}

void *mmap(void *at, size_t length, int protection, int flags, int fd, off_t offset) {
    find_real();
    struct camera *camera = of(fd);
    return real_mmap(at, length, protection, flags, camera ? camera->memory : fd, offset);
}
void *mmap64(void *at, size_t length, int protection, int flags, int fd, off_t offset) {
    return mmap(at, length, protection, flags, fd, offset);
}

int poll(struct pollfd *polled, nfds_t count, int timeout) {
    find_real();
    struct camera *camera = count == 1 ? of(polled[0].fd) : NULL;
    if (!camera) return real_poll(polled, count, timeout);
    for (uint64_t start = now();;) {
        pthread_mutex_lock(&lock);
        read_control();
        int gone = faulty(camera) && (control.nodev || control.eio);
        int waits = !camera->streaming || !camera->queued || (faulty(camera) && control.stall);
        pthread_mutex_unlock(&lock);
        if (gone) return polled[0].revents = POLLERR | POLLHUP, 1;
        if (!waits) {
            int ready = real_poll(polled, 1, 5);
            if (ready) return ready;
        } else {
            struct timespec rest = {0, 5000000};
            if (nanosleep(&rest, NULL) < 0) return fail(EINTR);
        }
        if (timeout >= 0 && now() - start > timeout * 1000000ull) return 0;
    }
}

DIR *opendir(const char *path) {
    find_real();
    return real_opendir(path);
}

/* The nodes of the cameras stand before the first entry of /dev, with an odd name that is none. */
struct dirent64 *readdir64(DIR *folder) {
    static __thread struct dirent64 entry;
    static __thread DIR *listed;
    static __thread int told;
    char path[64] = {0}, link[64];
    find_real();
    snprintf(link, sizeof link, "/proc/self/fd/%d", dirfd(folder));
    if (readlink(link, path, sizeof path - 1) < 0 || strcmp(path, "/dev")) return real_readdir64(folder);
    read_control();
    if (listed != folder) listed = folder, told = 0;
    memset(&entry, 0, sizeof entry);
    entry.d_ino = 4242;
    entry.d_type = DT_CHR;
    entry.d_reclen = sizeof entry;
    switch (told++) {
    case 0:
        strcpy(entry.d_name, "video-by-name");
        return &entry;
    case 1:
        if (control.nodev) break;
        snprintf(entry.d_name, sizeof entry.d_name, "video%d", control.index);
        return &entry;
    case 2:
        if (!control.second) break;
        strcpy(entry.d_name, "video7");
        return &entry;
    }
    struct dirent64 *real = real_readdir64(folder);
    if (!real) listed = NULL;
    return real;
}

static void arm(struct camera *camera, uint32_t fps) {
    struct itimerspec timer = {{0, 0}, {0, 0}};
    if (fps == 1) timer.it_interval.tv_sec = 1;
    else if (fps) timer.it_interval.tv_nsec = 1000000000 / fps;
    timer.it_value = timer.it_interval;
    camera->armed = fps;
    timerfd_settime(camera->streamer, 0, &timer, NULL);
}

static size_t draw(struct camera *camera, unsigned char *to) {
    uint32_t n = camera->number, width = camera->width, height = camera->height;
    if (jpeg_count) {
        size_t start = n % jpeg_count ? ends[n % jpeg_count - 1] : 0, length = ends[n % jpeg_count] - start;
        memcpy(to, jpegs + start, length);
        return length;
    }
    for (uint32_t y = 0; y < height; y++)
        for (uint32_t x = 0; x < width; x++, to += 2) {
            to[0] = y < 32 ? (n >> (31 - x * 32 / width) & 1 ? 235 : 16) : 16 + (x + y + n * 4) % 220;
            to[1] = 128;
        }
    return (size_t)width * height * 2;
}

static int dequeue(struct camera *camera, struct v4l2_buffer *buffer) {
    uint64_t ticks;
    int faults = faulty(camera);
    if (!camera->streaming) return fail(EINVAL);
    if (faults && control.eio) return fail(EIO);
    if ((faults && (control.eagain || control.stall)) || !camera->queued) return fail(EAGAIN);
    if (read(camera->streamer, &ticks, 8) != 8) return fail(EAGAIN);
    camera->number += ticks;
    uint32_t fps = faults && control.fps ? control.fps : camera->fps;
    if (fps != camera->armed) arm(camera, fps);
    if (faults && control.drop && camera->number % control.drop == 0) return fail(EAGAIN);
    int index = camera->queue[camera->first];
    camera->first = (camera->first + 1) % BUFFERS;
    camera->queued--;
    size_t length = draw(camera, camera->bytes + index * camera->size);
    uint64_t time = now();
    buffer->index = index;
    buffer->bytesused = faults && control.shortened >= 0 ? (size_t)control.shortened : length;
    buffer->flags = V4L2_BUF_FLAG_MAPPED | V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
    if (faults && control.errflag) buffer->flags |= V4L2_BUF_FLAG_ERROR;
    buffer->field = V4L2_FIELD_NONE;
    buffer->sequence = camera->number - (faults && control.back && camera->number % 10 == 0 ? 2 : 0);
    buffer->length = camera->size;
    buffer->timestamp.tv_sec = time / 1000000000;
    buffer->timestamp.tv_usec = time / 1000 % 1000000;
    return 0;
}

static int request_buffers(struct camera *camera, int fd, struct v4l2_requestbuffers *request) {
    int others = camera->streamer >= 0 && camera->streamer != fd;
    if (others || (request->count && ((faulty(camera) && control.busy) || camera->buffers))) return fail(EBUSY);
    free_buffers(camera);
    if (request->count > BUFFERS) request->count = BUFFERS;
    if (!request->count) return 0;
    camera->buffers = request->count;
    camera->streamer = fd;
    camera->size = ((size_t)camera->width * camera->height * 2 + 4095) & ~4095ul;
    camera->memory = memfd_create("fakecam", MFD_CLOEXEC);
    if (ftruncate(camera->memory, camera->buffers * camera->size)) return fail(ENOMEM);
    camera->bytes = real_mmap(0, camera->buffers * camera->size, PROT_READ | PROT_WRITE, MAP_SHARED, camera->memory, 0);
    return 0;
}

static int queue(struct camera *camera, uint32_t index) {
    if ((int)index >= camera->buffers) return fail(EINVAL);
    for (int i = 0; i < camera->queued; i++)
        if (camera->queue[(camera->first + i) % BUFFERS] == (int)index) return fail(EINVAL);
    camera->queue[(camera->first + camera->queued++) % BUFFERS] = index;
    return 0;
}

/* The sizes that it has now, by their index. */
static const uint32_t *size_at(struct camera *camera, uint32_t index) {
    if (faulty(camera) && control.no640 && index) index++;
    return index < 3 ? SIZES[index] : NULL;
}

static int answer(struct camera *camera, int fd, unsigned long request, void *argument) {
    uint32_t code = jpeg_count ? V4L2_PIX_FMT_MJPEG : V4L2_PIX_FMT_YUYV;
    read_control();
    if (faulty(camera) && control.nodev) return fail(ENODEV);
    switch (request) {
    case VIDIOC_QUERYCAP: {
        struct v4l2_capability *about = argument;
        memset(about, 0, sizeof *about);
        strcpy((char *)about->driver, "fakecam");
        strcpy((char *)about->card, faulty(camera) && control.latin ? "Cam\xe9ra" : camera->name);
        strcpy((char *)about->bus_info, camera->bus);
        about->device_caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
        about->capabilities = about->device_caps | V4L2_CAP_DEVICE_CAPS;
        return 0;
    }
    case VIDIOC_ENUM_FMT: {
        struct v4l2_fmtdesc *format = argument;
        if (format->index || format->type != V4L2_BUF_TYPE_VIDEO_CAPTURE) return fail(EINVAL);
        format->pixelformat = code;
        return 0;
    }
    case VIDIOC_ENUM_FRAMESIZES: {
        struct v4l2_frmsizeenum *size = argument;
        const uint32_t *is = size_at(camera, size->index);
        if (size->pixel_format != code || !is) return fail(EINVAL);
        size->type = V4L2_FRMSIZE_TYPE_DISCRETE;
        size->discrete.width = is[0];
        size->discrete.height = is[1];
        return 0;
    }
    case VIDIOC_ENUM_FRAMEINTERVALS: {
        struct v4l2_frmivalenum *interval = argument;
        if (interval->pixel_format != code || interval->index >= 3) return fail(EINVAL);
        interval->type = V4L2_FRMIVAL_TYPE_DISCRETE;
        interval->discrete = (struct v4l2_fract){1, RATES[interval->index]};
        return 0;
    }
    case VIDIOC_S_FMT: {
        struct v4l2_format *format = argument;
        const uint32_t *best = SIZES[0];
        if (camera->buffers) return fail(EBUSY);
        for (uint32_t i = 0; size_at(camera, i); i++)
            if (size_at(camera, i)[0] <= format->fmt.pix.width) best = size_at(camera, i);
        camera->width = best[0];
        camera->height = best[1];
    } /* fall through */
    case VIDIOC_G_FMT: {
        struct v4l2_format *format = argument;
        memset(&format->fmt, 0, sizeof format->fmt);
        format->fmt.pix = (struct v4l2_pix_format){
            .width = camera->width, .height = camera->height, .pixelformat = code, .field = V4L2_FIELD_NONE,
            .bytesperline = jpeg_count ? 0 : camera->width * 2, .sizeimage = camera->width * camera->height * 2,
            .colorspace = V4L2_COLORSPACE_SRGB};
        return 0;
    }
    case VIDIOC_S_PARM: {
        struct v4l2_fract wanted = ((struct v4l2_streamparm *)argument)->parm.capture.timeperframe;
        if (camera->streaming) return fail(EBUSY);
        camera->fps = 30;
        for (int i = 0; i < 3; i++)
            if (RATES[i] * wanted.numerator == wanted.denominator) camera->fps = RATES[i];
    } /* fall through */
    case VIDIOC_G_PARM:
        ((struct v4l2_streamparm *)argument)->parm.capture = (struct v4l2_captureparm){
            .capability = V4L2_CAP_TIMEPERFRAME, .timeperframe = {1, camera->fps}, .readbuffers = 2};
        return 0;
    case VIDIOC_REQBUFS: return request_buffers(camera, fd, argument);
    case VIDIOC_QUERYBUF: {
        struct v4l2_buffer *buffer = argument;
        if ((int)buffer->index >= camera->buffers) return fail(EINVAL);
        buffer->length = camera->width * camera->height * 2;
        buffer->m.offset = buffer->index * camera->size;
        return 0;
    }
    case VIDIOC_QBUF: return queue(camera, ((struct v4l2_buffer *)argument)->index);
    case VIDIOC_DQBUF: return dequeue(camera, argument);
    case VIDIOC_STREAMON:
        camera->streaming = 1;
        camera->number = -1;
        arm(camera, camera->fps);
        return 0;
    case VIDIOC_STREAMOFF:
        camera->streaming = camera->queued = 0;
        if (camera->streamer >= 0) arm(camera, 0);
        return 0;
    }
    return fail(ENOTTY);
}

long syscall(long number, ...) {
    va_list rest;
    long a[6];
    va_start(rest, number);
    for (int i = 0; i < 6; i++) a[i] = va_arg(rest, long);
    va_end(rest);
    find_real();
    struct camera *camera = number == SYS_ioctl ? of((int)a[0]) : NULL;
    if (!camera) return real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    pthread_mutex_lock(&lock);
    int result = answer(camera, (int)a[0], (unsigned)a[1], (void *)a[2]);
    int error = errno;
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}
