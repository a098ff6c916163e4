#include "engine/common/signals.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>

namespace medic::engine {
namespace {

sigset_t stop_signals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    // A terminal that is closed, unless nohup says that it doesn't matter: a blocked signal comes though it is ignored.
    struct sigaction hangup = {};
    if (sigaction(SIGHUP, nullptr, &hangup) == 0 && hangup.sa_handler != SIG_IGN) sigaddset(&set, SIGHUP);
    return set;
}

}  // namespace

void prepare_signals() {
    const sigset_t set = stop_signals();
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    signal(SIGPIPE, SIG_IGN);
}

StopSignal::StopSignal() {
    const sigset_t set = stop_signals();
    fd_ = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

StopSignal::~StopSignal() {
    if (fd_ >= 0) close(fd_);
}

bool StopSignal::wait_for(Duration at_most) const {
    pollfd entry{fd_, POLLIN, 0};
    return poll(&entry, 1, static_cast<int>(at_most.count())) == 1;
}

void StopSignal::wait() const {
    pollfd entry{fd_, POLLIN, 0};
    while (poll(&entry, 1, -1) < 0 && errno == EINTR) {
    }
}

}  // namespace medic::engine
