#include "agent/cli/abort_key.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

namespace medic::cli {
namespace {

sigset_t ending_signals() {
    sigset_t signals;
    sigemptyset(&signals);
    for (const int one : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, one);
    return signals;
}

}  // namespace

AbortKey::AbortKey() {
    const sigset_t signals = ending_signals();
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    signal(SIGPIPE, SIG_IGN);  // Whoever reads our lines may go: what was broken is still undone.
}

AbortKey::~AbortKey() {
    if (raw_) (void)tcsetattr(STDIN_FILENO, TCSANOW, &before_);
}

void AbortKey::watch_keys() {
    // From a background job the terminal would stop us for changing it.
    if (isatty(STDIN_FILENO) == 0 || tcgetpgrp(STDIN_FILENO) != getpgrp() || tcgetattr(STDIN_FILENO, &before_) != 0)
        return;
    termios raw = before_;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    raw.c_cc[VMIN] = 0;
    raw.c_cc[VTIME] = 0;
    raw_ = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
}

bool AbortKey::wait(Duration at_most) {
    wanted_ = wanted_ || rest(at_most);
    return wanted_;
}

bool AbortKey::rest(Duration at_most) {
    constexpr Duration turn{200};  // A key is answered within it.
    for (;;) {
        const Duration slice = std::min(turn, at_most);
        if (signalled(slice) || key_pressed()) return true;
        at_most -= slice;
        if (at_most.count() <= 0) return false;
    }
}

bool AbortKey::signalled(Duration at_most) {
    const sigset_t signals = ending_signals();
    const auto seconds = std::chrono::floor<std::chrono::seconds>(at_most);
    const std::chrono::nanoseconds rest = at_most - seconds;
    const timespec wait{.tv_sec = seconds.count(), .tv_nsec = rest.count()};
    return sigtimedwait(&signals, nullptr, &wait) > 0;
}

bool AbortKey::key_pressed() const {
    if (!raw_) return false;
    pollfd input{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
    if (poll(&input, 1, 0) <= 0) return false;
    char keys[16];
    const ssize_t count = read(STDIN_FILENO, keys, sizeof keys);
    for (ssize_t i = 0; i < count; ++i)
        if (keys[i] == 'q' || keys[i] == 'Q') return true;
    return false;
}

}  // namespace medic::cli
