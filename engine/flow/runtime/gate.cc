#include "engine/flow/runtime/gate.h"

namespace medic::engine::flow {
namespace {
// A producer that waits looks this often whether its own task was cancelled.
constexpr std::chrono::milliseconds cancel_check{50};
}  // namespace

InputGate::InputGate(int channels, int frames_per_channel)
    : capacity_(frames_per_channel), channels_(static_cast<std::size_t>(channels)) {}

void InputGate::on_credit(int channel, std::function<void()> return_credit) {
    const std::lock_guard lock(mutex_);
    channels_[static_cast<std::size_t>(channel)].return_credit = std::move(return_credit);
}

bool InputGate::offer(int channel, std::string& frame, const std::atomic<bool>& cancelled, WaitClock& wait) {
    std::unique_lock lock(mutex_);
    auto& queue = channels_[static_cast<std::size_t>(channel)].frames;
    const auto has_room = [&] { return cancelled_ || queue.size() < static_cast<std::size_t>(capacity_); };
    if (!has_room()) {
        const Waiting waiting(wait);
        while (!has_room() && !cancelled.load(std::memory_order_relaxed)) drained_.wait_for(lock, cancel_check);
    }
    if (cancelled_ || cancelled.load(std::memory_order_relaxed)) return false;
    queue.push_back(std::move(frame));
    lock.unlock();
    filled_.notify_one();
    return true;
}

bool InputGate::deliver(int channel, std::string frame) {
    {
        const std::lock_guard lock(mutex_);
        if (cancelled_) return true;
        auto& queue = channels_[static_cast<std::size_t>(channel)].frames;
        if (queue.size() >= static_cast<std::size_t>(capacity_)) return false;
        queue.push_back(std::move(frame));
    }
    filled_.notify_one();
    return true;
}

int InputGate::queued(int channel) const {
    const std::lock_guard lock(mutex_);
    return static_cast<int>(channels_[static_cast<std::size_t>(channel)].frames.size());
}

int InputGate::queued_frames() const {
    const std::lock_guard lock(mutex_);
    std::size_t count = 0;
    for (const Channel& channel : channels_) count += channel.frames.size();
    return static_cast<int>(count);
}

void InputGate::post(Mail mail) {
    {
        const std::lock_guard lock(mutex_);
        mails_.push_back(std::move(mail));
        has_mail_.store(true, std::memory_order_release);
    }
    filled_.notify_one();
}

void InputGate::cancel() {
    {
        const std::lock_guard lock(mutex_);
        cancelled_ = true;
        for (Channel& channel : channels_) channel.frames.clear();
    }
    filled_.notify_all();
    drained_.notify_all();
}

bool InputGate::take(int& channel, std::string& frame) {
    for (std::size_t i = 0; i < channels_.size(); ++i) {
        const std::size_t at = (next_channel_ + i) % channels_.size();
        Channel& candidate = channels_[at];
        if (candidate.blocked || candidate.frames.empty()) continue;
        frame = std::move(candidate.frames.front());
        candidate.frames.pop_front();
        channel = static_cast<int>(at);
        next_channel_ = at + 1;
        return true;
    }
    return false;
}

InputGate::Woken InputGate::next(std::optional<Deadline> deadline, int& channel, std::string& frame, Mail& mail,
                                 WaitClock& idle) {
    std::unique_lock lock(mutex_);
    std::optional<Waiting> waiting;
    for (;;) {
        if (cancelled_) return Woken::cancelled;
        if (!mails_.empty()) {
            mail = std::move(mails_.front());
            mails_.pop_front();
            has_mail_.store(!mails_.empty(), std::memory_order_release);
            return Woken::mail;
        }
        if (take(channel, frame)) {
            const auto return_credit = channels_[static_cast<std::size_t>(channel)].return_credit;
            lock.unlock();
            if (return_credit)
                return_credit();
            else
                drained_.notify_all();
            return Woken::frame;
        }
        if (!waiting) waiting.emplace(idle);
        if (!deadline) {
            filled_.wait(lock);
        } else if (filled_.wait_until(lock, *deadline) == std::cv_status::timeout) {
            return Woken::deadline;
        }
    }
}

void InputGate::block(int channel) {
    const std::lock_guard lock(mutex_);
    channels_[static_cast<std::size_t>(channel)].blocked = true;
}

void InputGate::unblock_all() {
    const std::lock_guard lock(mutex_);
    for (Channel& channel : channels_) channel.blocked = false;
}

}  // namespace medic::engine::flow
