// Progress of event time where several streams meet: the lowest watermark of those that are not idle. Never goes back.
// Used over the partitions of a source (with timestamps) and over the input channels of a task (with watermarks).
#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "engine/flow/api/operator.h"

namespace medic::engine::flow {

class WatermarkMerger {
public:
    explicit WatermarkMerger(std::size_t inputs) : inputs_(inputs) {}

    void advance(std::size_t input, EventTime watermark) {
        inputs_[input].watermark = std::max(inputs_[input].watermark, watermark);
        inputs_[input].idle = false;
    }
    void set_idle(std::size_t input) { inputs_[input].idle = true; }
    [[nodiscard]] bool all_idle() const {
        return std::all_of(inputs_.begin(), inputs_.end(), [](const Input& input) { return input.idle; });
    }
    [[nodiscard]] EventTime watermark_of(std::size_t input) const { return inputs_[input].watermark; }

    // The merged watermark. While all inputs are idle it stays where it was, as in Flink.
    EventTime merged() {
        EventTime lowest = end_of_time;
        bool any = false;
        for (const Input& input : inputs_) {
            if (input.idle) continue;
            any = true;
            lowest = std::min(lowest, input.watermark);
        }
        if (any) merged_ = std::max(merged_, lowest);
        return merged_;
    }

private:
    struct Input {
        EventTime watermark = no_time;
        bool idle = false;
    };
    std::vector<Input> inputs_;
    EventTime merged_ = no_time;
};

// Watermarks of a source from the timestamps of its partitions: the highest seen, less the bound, less 1 ms (a record
// with the same timestamp may still come), as Flink's BoundedOutOfOrdernessWatermarks.
class PartitionWatermarks {
public:
    PartitionWatermarks(std::size_t partitions, std::int64_t max_out_of_orderness_ms, std::int64_t idle_timeout_ms,
                        std::int64_t now_ms)
        : merger_(partitions),
          highest_(partitions, no_time),
          active_ms_(partitions, now_ms),
          bound_ms_(max_out_of_orderness_ms),
          idle_timeout_ms_(idle_timeout_ms) {}

    void observe(std::size_t partition, EventTime timestamp, std::int64_t now_ms) {
        active_ms_[partition] = now_ms;
        if (timestamp > highest_[partition]) {
            highest_[partition] = timestamp;
            merger_.advance(partition, timestamp - bound_ms_ - 1);
        } else {
            merger_.advance(partition, no_time);  // Not idle any more.
        }
    }
    void finish(std::size_t partition) { merger_.advance(partition, end_of_time); }
    // To be called regularly, with the source's own clock. `empty_at(i)`: when partition i was last looked at and had
    // nothing more, nullopt if it had. It is idle once such a look comes so long after its last record. Otherwise a
    // source that is busy with one partition would call the rest idle, let time run ahead, and drop their records as
    // late.
    template <class EmptyAt>
    void check_idle(std::int64_t now_ms, EmptyAt empty_at) {
        if (idle_timeout_ms_ <= 0) return;
        for (std::size_t i = 0; i < active_ms_.size(); ++i) {
            if (now_ms - active_ms_[i] < idle_timeout_ms_ || merger_.watermark_of(i) == end_of_time) continue;
            const std::optional<std::int64_t> at = empty_at(i);
            if (!at)
                active_ms_[i] = now_ms;
            else if (*at - active_ms_[i] >= idle_timeout_ms_)
                merger_.set_idle(i);
        }
    }
    [[nodiscard]] EventTime merged() { return merger_.merged(); }
    [[nodiscard]] bool all_idle() const { return merger_.all_idle(); }
    [[nodiscard]] EventTime highest(std::size_t partition) const { return highest_[partition]; }

private:
    WatermarkMerger merger_;
    std::vector<EventTime> highest_;
    std::vector<std::int64_t> active_ms_;
    std::int64_t bound_ms_;
    std::int64_t idle_timeout_ms_;
};

}  // namespace medic::engine::flow
