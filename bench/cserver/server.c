/*
 * The yardstick: the least a server can do and still be an HTTP server.
 *
 * One thread, level-triggered epoll, one recv and one send per readiness. All
 * complete requests of one recv are answered by one send. It reads the request
 * line and the three fields it obeys, and trusts everything else: a measure of
 * what the kernel charges for a request, not a program to put on a network.
 *
 * It answers what the peers answer, with the same fields: GET /plaintext,
 * GET /json, GET /users/{id}, POST /echo. It has no GET /sleep/{ms}, because a
 * single thread cannot wait for one client while it serves another.
 *
 * The "middleware" of every benchmarked server is here too: a request with
 * "X-Client: blocked" is refused with 403; every response says
 * "X-Frame-Options: DENY".
 *
 * Usage: server -addr HOST:PORT
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	MAX_EVENTS = 512,
	IN_SIZE = 64 * 1024,  /* one recv; also the largest request we accept */
	OUT_SIZE = 256 * 1024 /* room for the answers to one full input buffer */
};

/* What remains of a connection between two turns: the start of a request that
 * has not arrived whole. Almost always empty. */
struct conn {
	char *partial;
	size_t len;
};

/* One request, as slices of the input buffer. */
struct request {
	const char *method, *path, *body;
	size_t method_len, path_len, body_len;
	int close;   /* the client asked for "Connection: close" */
	int blocked; /* the request middleware refuses it */
};

static struct conn *conns; /* by descriptor */
static char in[IN_SIZE];
static char out[OUT_SIZE];
static size_t out_len;

/* The status line and the Date field, rebuilt once per second. */
static char ok_head[128];
static size_t ok_head_len;
static time_t head_second;

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void refresh_head(void)
{
	time_t now = time(NULL);
	if (now == head_second)
		return;
	head_second = now;
	struct tm tm;
	gmtime_r(&now, &tm);
	ok_head_len = strftime(ok_head, sizeof ok_head,
		"HTTP/1.1 200 OK\r\nDate: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm);
}

static void put(const char *bytes, size_t n)
{
	memcpy(out + out_len, bytes, n);
	out_len += n;
}

#define PUT(literal) put(literal, sizeof(literal) - 1)

static void put_number(size_t n)
{
	char digits[20];
	size_t i = sizeof digits;
	do {
		digits[--i] = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	put(digits + i, sizeof digits - i);
}

static void answer_ok(const char *content_type, size_t content_type_len,
                      const char *body, size_t body_len, int close)
{
	put(ok_head, ok_head_len);
	put(content_type, content_type_len);
	PUT("Content-Length: ");
	put_number(body_len);
	if (close)
		PUT("\r\nConnection: close");
	PUT("\r\nX-Frame-Options: DENY\r\n\r\n");
	put(body, body_len);
}

#define ANSWER(type, body, len, close) \
	answer_ok("Content-Type: " type "\r\n", sizeof("Content-Type: " type "\r\n") - 1, body, len, close)

static void answer_empty(const char *status_line, size_t n)
{
	put(status_line, n);
	PUT("Content-Length: 0\r\nX-Frame-Options: DENY\r\n\r\n");
}

#define ANSWER_EMPTY(status) \
	answer_empty("HTTP/1.1 " status "\r\n", sizeof("HTTP/1.1 " status "\r\n") - 1)

static int is(const char *s, size_t n, const char *literal, size_t literal_len)
{
	return n == literal_len && memcmp(s, literal, n) == 0;
}

#define IS(s, n, literal) is(s, n, literal, sizeof(literal) - 1)

static void handle(const struct request *r)
{
	if (r->blocked) {
		ANSWER_EMPTY("403 Forbidden");
	} else if (IS(r->method, r->method_len, "GET")) {
		static const char hello[] = "Hello, World!";
		static const char json[] = "{\"message\":\"Hello, World!\",\"id\":42}";
		static const char users[] = "/users/";
		size_t prefix = sizeof users - 1;
		if (IS(r->path, r->path_len, "/plaintext"))
			ANSWER("text/plain; charset=utf-8", hello, sizeof hello - 1, r->close);
		else if (IS(r->path, r->path_len, "/json"))
			ANSWER("application/json", json, sizeof json - 1, r->close);
		else if (r->path_len > prefix && memcmp(r->path, users, prefix) == 0)
			ANSWER("text/plain; charset=utf-8", r->path + prefix, r->path_len - prefix, r->close);
		else
			ANSWER_EMPTY("404 Not Found");
	} else if (IS(r->method, r->method_len, "POST") && IS(r->path, r->path_len, "/echo")) {
		ANSWER("application/octet-stream", r->body, r->body_len, r->close);
	} else {
		ANSWER_EMPTY("404 Not Found");
	}
}

/* A field line is obeyed when its name is one of three; the length of the name
 * decides most lines without looking at a second byte. */
static void read_field(struct request *r, const char *line, size_t n)
{
	const char *colon = memchr(line, ':', n);
	if (colon == NULL)
		return;
	size_t name_len = (size_t)(colon - line);
	const char *value = colon + 1, *end = line + n;
	while (value < end && *value == ' ')
		value++;
	size_t value_len = (size_t)(end - value);
	switch (name_len) {
	case sizeof("X-Client") - 1:
		if (strncasecmp(line, "X-Client", name_len) == 0)
			r->blocked = IS(value, value_len, "blocked");
		break;
	case sizeof("Connection") - 1:
		if (strncasecmp(line, "Connection", name_len) == 0)
			r->close = value_len == 5 && strncasecmp(value, "close", 5) == 0;
		break;
	case sizeof("Content-Length") - 1:
		if (strncasecmp(line, "Content-Length", name_len) == 0)
			r->body_len = strtoul(value, NULL, 10);
		break;
	}
}

/* Reads one request from p. Returns its length, 0 when it is not complete, or
 * -1 when it is not one we understand. */
static ssize_t parse(struct request *r, const char *p, size_t n)
{
	const char *end_of_head = memmem(p, n, "\r\n\r\n", 4);
	if (end_of_head == NULL)
		return n >= IN_SIZE ? -1 : 0;
	memset(r, 0, sizeof *r);

	const char *end = end_of_head + 2; /* the head with its last CRLF */
	const char *eol = memchr(p, '\r', (size_t)(end - p));
	const char *space = memchr(p, ' ', (size_t)(eol - p));
	if (space == NULL)
		return -1;
	r->method = p;
	r->method_len = (size_t)(space - p);
	r->path = space + 1;
	const char *space2 = memchr(r->path, ' ', (size_t)(eol - r->path));
	if (space2 == NULL)
		return -1;
	r->path_len = (size_t)(space2 - r->path);

	for (const char *line = eol + 2; line < end; line = eol + 2) {
		eol = memchr(line, '\r', (size_t)(end - line));
		read_field(r, line, (size_t)(eol - line));
	}

	size_t head_len = (size_t)(end - p) + 2;
	if (r->body_len > IN_SIZE - head_len)
		return -1;
	if (n - head_len < r->body_len)
		return 0;
	r->body = p + head_len;
	return (ssize_t)(head_len + r->body_len);
}

static void drop(int fd)
{
	free(conns[fd].partial);
	conns[fd].partial = NULL;
	conns[fd].len = 0;
	close(fd);
}

/* Keeps the n bytes at p for the connection's next turn. */
static void keep(struct conn *c, const char *p, size_t n)
{
	if (n == 0) {
		free(c->partial);
		c->partial = NULL;
	} else {
		char *copy = malloc(n);
		if (copy == NULL)
			fail("malloc");
		memcpy(copy, p, n);
		free(c->partial);
		c->partial = copy;
	}
	c->len = n;
}

static void turn(int fd)
{
	struct conn *c = &conns[fd];
	if (c->len > 0)
		memcpy(in, c->partial, c->len);
	ssize_t got = recv(fd, in + c->len, IN_SIZE - c->len, 0);
	if (got <= 0) {
		if (got == 0 || errno != EAGAIN)
			drop(fd);
		return;
	}

	size_t have = c->len + (size_t)got, used = 0;
	int close_after = 0;
	out_len = 0;
	while (used < have && !close_after) {
		struct request r;
		ssize_t n = parse(&r, in + used, have - used);
		if (n == 0)
			break;
		if (n < 0 || out_len + (size_t)n + 512 > OUT_SIZE) {
			drop(fd);
			return;
		}
		handle(&r);
		close_after = r.close;
		used += (size_t)n;
	}
	if (c->len > 0 || used < have)
		keep(c, in + used, have - used);

	/* A client that does not read its answers is not part of the measurement:
	 * there is no outbox, a short send ends the connection. */
	if (out_len > 0 && send(fd, out, out_len, MSG_NOSIGNAL) != (ssize_t)out_len)
		close_after = 1;
	if (close_after)
		drop(fd);
}

static void accept_all(int listener, int ep, size_t limit)
{
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0)
			return;
		struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd};
		if ((size_t)fd >= limit || epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) < 0)
			close(fd);
	}
}

static int listen_on(char *address)
{
	char *colon = strrchr(address, ':');
	if (colon == NULL) {
		fprintf(stderr, "server: address without a port: %s\n", address);
		exit(2);
	}
	*colon = '\0';
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(colon + 1))};
	if (inet_pton(AF_INET, address, &sa.sin_addr) != 1) {
		fprintf(stderr, "server: not an IPv4 address: %s\n", address);
		exit(2);
	}
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1;
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0)
		fail("socket");
	if (bind(fd, (struct sockaddr *)&sa, sizeof sa) < 0 || listen(fd, 4096) < 0)
		fail("listen");
	return fd;
}

/* Raises the descriptor limit as the Go runtime does, and returns it. */
static size_t raise_descriptors(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		fail("getrlimit");
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		fail("setrlimit");
	return limit.rlim_cur > (1 << 20) ? (1 << 20) : (size_t)limit.rlim_cur;
}

int main(int argc, char **argv)
{
	if (argc != 3 || strcmp(argv[1], "-addr") != 0) {
		fprintf(stderr, "usage: server -addr HOST:PORT\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	size_t limit = raise_descriptors();
	conns = calloc(limit, sizeof *conns); /* touched, and so paid for, as connections come */
	if (conns == NULL)
		fail("calloc");

	int listener = listen_on(argv[2]);
	int ep = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event ev = {.events = EPOLLIN, .data.fd = listener};
	if (ep < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, listener, &ev) < 0)
		fail("epoll");

	static struct epoll_event events[MAX_EVENTS];
	for (;;) {
		int n = epoll_wait(ep, events, MAX_EVENTS, -1);
		if (n < 0 && errno != EINTR)
			fail("epoll_wait");
		refresh_head();
		for (int i = 0; i < n; i++) {
			if (events[i].data.fd == listener)
				accept_all(listener, ep, limit);
			else
				turn(events[i].data.fd);
		}
	}
}
