// The io thread's event loop: timers, posted work, sockets of HTTP requests and pipes of child processes.
// Everything but post() and stop() is called on the thread that runs it. Not a thread itself: agent/daemon owns that.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "agent/base/time.h"

namespace medic {

class Reactor {
public:
    Reactor();
    ~Reactor();
    Reactor(const Reactor&) = delete;
    Reactor& operator=(const Reactor&) = delete;

    void run();                             // Until stop(). Work that is then pending is dropped.
    void stop();                            // From any thread.
    void post(std::function<void()> work);  // From any thread; runs later, in order.

    using TimerId = std::uint64_t;
    TimerId after(Duration delay, std::function<void()> work);
    // Every `interval`, the first time after `phase`. A late turn is not made up for.
    TimerId every(Duration interval, Duration phase, std::function<void()> work);
    void cancel(TimerId timer);

    struct Native;  // Boost.Asio's context: see reactor_internal.h.
    [[nodiscard]] Native& native() { return *native_; }

private:
    std::unique_ptr<Native> native_;
};

}  // namespace medic
