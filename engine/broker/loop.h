// One epoll loop with timers: everything in a broker or controller process happens on it, one event at a time.
// Only post() may be called from other threads.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "agent/base/time.h"

namespace medic::engine::broker {

class Loop {
public:
    using Task = std::function<void()>;
    using OnEvents = std::function<void(std::uint32_t epoll_events)>;
    using TimerId = std::pair<Instant, std::uint64_t>;

    Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;
    ~Loop();

    void run();  // Until stop().
    void stop() { running_ = false; }
    void post(Task task);  // From any thread: runs on the loop.

    void watch(int fd, std::uint32_t epoll_events, OnEvents on_events);
    void rearm(int fd, std::uint32_t epoll_events);
    void forget(int fd);  // Before closing it.

    TimerId at(Instant when, Task task);
    TimerId after(Duration delay, Task task) { return at(now() + delay, std::move(task)); }
    void every(Duration interval, Task task);  // For the loop's whole life.
    void cancel(TimerId timer) { timers_.erase(timer); }

    // Runs after each round of events, before the loop sleeps: work that many events of a round ask for once.
    void on_round_end(Task task) { round_end_ = std::move(task); }

    [[nodiscard]] Instant now() const { return now_; }  // As of this round's start.
    [[nodiscard]] std::int64_t wall_ms() const { return wall_ms_; }
    // Time spent at work and waiting since the start, for the idle ratio.
    [[nodiscard]] Duration busy() const { return std::chrono::duration_cast<Duration>(busy_); }
    [[nodiscard]] Duration idle() const { return std::chrono::duration_cast<Duration>(idle_); }

private:
    void read_clocks();
    void run_timers();
    void run_posted();
    [[nodiscard]] int wait_ms() const;

    int epoll_ = -1;
    int wake_ = -1;
    bool running_ = true;
    Instant now_;
    std::int64_t wall_ms_ = 0;
    std::chrono::nanoseconds busy_{0};
    std::chrono::nanoseconds idle_{0};
    std::uint64_t next_timer_ = 0;
    std::map<TimerId, Task> timers_;
    std::unordered_map<int, std::shared_ptr<OnEvents>> watched_;
    Task round_end_;
    std::mutex mutex_;
    std::deque<Task> posted_;
};

}  // namespace medic::engine::broker
