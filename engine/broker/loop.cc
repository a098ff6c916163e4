#include "engine/broker/loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace medic::engine::broker {

Loop::Loop() : epoll_(::epoll_create1(EPOLL_CLOEXEC)), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    read_clocks();
    watch(wake_, EPOLLIN, [this](std::uint32_t) {
        std::uint64_t count = 0;
        while (::read(wake_, &count, sizeof count) > 0) {
        }
        run_posted();
    });
}

Loop::~Loop() {
    ::close(wake_);
    ::close(epoll_);
}

void Loop::read_clocks() {
    const auto steady = std::chrono::steady_clock::now().time_since_epoch();
    now_ = Instant(std::chrono::duration_cast<Duration>(steady));
    const auto wall = std::chrono::system_clock::now().time_since_epoch();
    wall_ms_ = std::chrono::duration_cast<std::chrono::milliseconds>(wall).count();
}

void Loop::watch(int fd, std::uint32_t events, OnEvents on_events) {
    watched_[fd] = std::make_shared<OnEvents>(std::move(on_events));
    epoll_event event{.events = events, .data = {.fd = fd}};
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
}

void Loop::rearm(int fd, std::uint32_t events) {
    epoll_event event{.events = events, .data = {.fd = fd}};
    ::epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event);
}

void Loop::forget(int fd) {
    watched_.erase(fd);
    ::epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
}

Loop::TimerId Loop::at(Instant when, Task task) {
    const TimerId id{when, next_timer_++};
    timers_.emplace(id, std::move(task));
    return id;
}

void Loop::every(Duration interval, Task task) {
    auto shared = std::make_shared<Task>(std::move(task));
    after(interval, [this, interval, shared] {
        (*shared)();
        every(interval, *shared);
    });
}

void Loop::post(Task task) {
    {
        const std::scoped_lock lock(mutex_);
        posted_.push_back(std::move(task));
    }
    const std::uint64_t one = 1;
    static_cast<void>(!::write(wake_, &one, sizeof one));  // Full means that a wake-up is pending already.
}

void Loop::run_posted() {
    std::deque<Task> tasks;
    {
        const std::scoped_lock lock(mutex_);
        tasks.swap(posted_);
    }
    for (auto& task : tasks) task();
}

void Loop::run_timers() {
    while (!timers_.empty() && timers_.begin()->first.first <= now_) {
        auto task = std::move(timers_.begin()->second);
        timers_.erase(timers_.begin());
        task();
    }
}

int Loop::wait_ms() const {
    if (timers_.empty()) return -1;
    return static_cast<int>(std::clamp<std::int64_t>((timers_.begin()->first.first - now_).count(), 0, 60'000));
}

void Loop::run() {
    std::array<epoll_event, 256> events{};
    auto mark = std::chrono::steady_clock::now();
    while (running_) {
        const auto before = std::chrono::steady_clock::now();
        busy_ += before - mark;
        const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), wait_ms());
        mark = std::chrono::steady_clock::now();
        idle_ += mark - before;
        read_clocks();
        for (int i = 0; i < count; ++i) {
            const auto& event = events[static_cast<std::size_t>(i)];
            const auto found = watched_.find(event.data.fd);
            if (found == watched_.end()) continue;  // Forgotten earlier in this round.
            const auto handler = found->second;     // Keeps it alive while it runs.
            (*handler)(event.events);
        }
        run_timers();
        if (round_end_) round_end_();
    }
}

}  // namespace medic::engine::broker
