// The bounded channels of one receiving subtask. A frame is a sealed buffer of records, watermarks and barriers. Each
// channel holds a fixed number of frames: whoever has no room waits, and so pressure travels back to the sources.
// Producers and the consumer are different threads; one consumer.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/flow/runtime/metrics.h"

namespace medic::engine::flow {

enum class MailKind : std::uint8_t { trigger, complete, finish };
enum class CheckpointMode : std::uint8_t {
    resume,
    stop,
    drain
};  // What a source does after the barrier; drain: ends time first.

struct Mail {
    MailKind kind = MailKind::finish;
    std::int64_t checkpoint_id = 0;
    std::int64_t trigger_unix_ms = 0;
    CheckpointMode mode = CheckpointMode::resume;
    std::string folder = {};
};

class InputGate {
public:
    using Deadline = std::chrono::steady_clock::time_point;
    enum class Woken : std::uint8_t { frame, mail, deadline, cancelled };

    // `return_credit(channel)` is called by the consumer when it takes a frame; null for channels of the same process.
    InputGate(int channels, int frames_per_channel);
    void on_credit(int channel, std::function<void()> return_credit);

    // Producers. offer() waits for room, until `cancelled` or the gate is closed (false). deliver() never waits: its
    // sender holds credits; false when the sender broke that rule.
    [[nodiscard]] bool offer(int channel, std::string& frame, const std::atomic<bool>& cancelled, WaitClock& wait);
    [[nodiscard]] bool deliver(int channel, std::string frame);
    [[nodiscard]] int queued(int channel) const;

    // Any thread: a command for the consumer; the end.
    void post(Mail mail);
    void cancel();
    [[nodiscard]] bool has_mail() const { return has_mail_.load(std::memory_order_acquire); }

    // The consumer.
    Woken next(std::optional<Deadline> deadline, int& channel, std::string& frame, Mail& mail, WaitClock& idle);
    void block(int channel);  // Takes nothing more from it until unblock_all(): it waits for the barrier on the others.
    void unblock_all();

    [[nodiscard]] int channels() const { return static_cast<int>(channels_.size()); }
    [[nodiscard]] int frames_per_channel() const { return capacity_; }
    [[nodiscard]] int queued_frames() const;

private:
    struct Channel {
        std::deque<std::string> frames;
        bool blocked = false;
        std::function<void()> return_credit;
    };
    bool take(int& channel, std::string& frame);

    const int capacity_;
    mutable std::mutex mutex_;
    std::condition_variable filled_, drained_;
    std::vector<Channel> channels_;
    std::deque<Mail> mails_;
    std::size_t next_channel_ = 0;
    bool cancelled_ = false;
    std::atomic<bool> has_mail_ = false;
};

}  // namespace medic::engine::flow
