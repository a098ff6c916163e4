#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include "agent/world/real/reactor_internal.h"

namespace medic {

Reactor::Reactor() : native_(std::make_unique<Native>()) {}
Reactor::~Reactor() = default;

void Reactor::run() {
    const auto guard = boost::asio::make_work_guard(native_->context);
    native_->context.run();
}

void Reactor::stop() { native_->context.stop(); }

void Reactor::post(std::function<void()> work) { boost::asio::post(native_->context, std::move(work)); }

void Reactor::Native::arm(TimerId id, const std::shared_ptr<Timer>& timer) {
    timer->timer.async_wait([this, id, timer](const boost::system::error_code& error) {
        if (error || !timers.contains(id)) return;
        if (timer->interval.count() == 0) timers.erase(id);
        timer->work();
        if (timer->interval.count() == 0 || !timers.contains(id)) return;
        // From now, not from when it was due: after a stall there is no burst.
        timer->timer.expires_after(timer->interval);
        arm(id, timer);
    });
}

Reactor::TimerId Reactor::after(Duration delay, std::function<void()> work) {
    const TimerId id = native_->next_timer++;
    auto timer =
        std::make_shared<Native::Timer>(boost::asio::steady_timer(native_->context), std::move(work), Duration{0});
    timer->timer.expires_after(delay);
    native_->timers.emplace(id, timer);
    native_->arm(id, timer);
    return id;
}

Reactor::TimerId Reactor::every(Duration interval, Duration phase, std::function<void()> work) {
    const TimerId id = native_->next_timer++;
    auto timer =
        std::make_shared<Native::Timer>(boost::asio::steady_timer(native_->context), std::move(work), interval);
    timer->timer.expires_after(phase);
    native_->timers.emplace(id, timer);
    native_->arm(id, timer);
    return id;
}

void Reactor::cancel(TimerId timer) {
    const auto found = native_->timers.find(timer);
    if (found == native_->timers.end()) return;
    const auto held = found->second;
    native_->timers.erase(found);
    held->timer.cancel();
}

}  // namespace medic
