#include "agent/world/real/worker.h"

#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace medic {

struct Worker::State {
    mutable std::mutex mutex;
    std::condition_variable filled, emptied;
    std::deque<std::function<void()>> mailbox;
    std::size_t mailbox_max = 0;
    std::uint64_t refused = 0;
    bool stopping = false;
    std::thread thread;

    void run() {
        std::unique_lock lock(mutex);
        for (;;) {
            filled.wait(lock, [&] { return stopping || !mailbox.empty(); });
            if (mailbox.empty()) return;
            auto work = std::move(mailbox.front());
            mailbox.pop_front();
            emptied.notify_one();
            lock.unlock();
            work();
            work = nullptr;
            lock.lock();
        }
    }
};

Worker::Worker(const std::string& name, std::size_t mailbox_max) : state_(std::make_unique<State>()) {
    state_->mailbox_max = mailbox_max;
    state_->thread = std::thread([state = state_.get()] { state->run(); });
    pthread_setname_np(state_->thread.native_handle(), name.substr(0, 15).c_str());
}

Worker::~Worker() { stop(); }

bool Worker::post(std::function<void()> work) {
    const std::lock_guard lock(state_->mutex);
    if (state_->stopping || state_->mailbox.size() >= state_->mailbox_max) {
        ++state_->refused;
        return false;
    }
    state_->mailbox.push_back(std::move(work));
    state_->filled.notify_one();
    return true;
}

void Worker::post_waiting(std::function<void()> work) {
    std::unique_lock lock(state_->mutex);
    state_->emptied.wait(lock, [&] { return state_->stopping || state_->mailbox.size() < state_->mailbox_max; });
    if (state_->stopping) return;
    state_->mailbox.push_back(std::move(work));
    state_->filled.notify_one();
}

void Worker::stop() {
    {
        const std::lock_guard lock(state_->mutex);
        state_->stopping = true;
    }
    state_->filled.notify_all();
    state_->emptied.notify_all();
    if (state_->thread.joinable()) state_->thread.join();
}

std::uint64_t Worker::refused() const {
    const std::lock_guard lock(state_->mutex);
    return state_->refused;
}

std::size_t Worker::waiting() const {
    const std::lock_guard lock(state_->mutex);
    return state_->mailbox.size();
}

namespace {

sigset_t stop_signals() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    return signals;
}

}  // namespace

void block_stop_signals() {
    const sigset_t signals = stop_signals();
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    signal(SIGPIPE, SIG_IGN);
}

int wait_for_stop_signal() {
    const sigset_t signals = stop_signals();
    int received = 0;
    sigwait(&signals, &received);
    return received;
}

std::optional<int> wait_for_stop_signal(Duration at_most) {
    const sigset_t signals = stop_signals();
    const auto seconds = std::chrono::floor<std::chrono::seconds>(at_most);
    const std::chrono::nanoseconds rest = at_most - seconds;
    const timespec wait{.tv_sec = seconds.count(), .tv_nsec = rest.count()};
    const int received = sigtimedwait(&signals, nullptr, &wait);
    return received > 0 ? std::optional(received) : std::nullopt;
}

void trim_allocator() {
    mallopt(M_ARENA_MAX, 2);
    mallopt(M_TRIM_THRESHOLD, 128 * 1024);
    mallopt(M_MMAP_THRESHOLD, 128 * 1024);
}

void raise_descriptor_limit() {
    rlimit limit = {};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

void release_free_memory() { malloc_trim(0); }

}  // namespace medic
