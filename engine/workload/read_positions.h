// How far a reader has come in each partition of a topic: a record that comes again, as after a rebalance, is no new
// one. One that is gone before it could be read never counts.
#pragma once

#include <cstdint>
#include <map>

namespace medic::engine::workload {

class ReadPositions {
public:
    // Whether it has not been read before. Of one partition records come in their order.
    [[nodiscard]] bool is_new(std::int32_t partition, std::int64_t offset) {
        std::int64_t& next = next_[partition];
        if (offset < next) return false;
        next = offset + 1;
        return true;
    }

private:
    std::map<std::int32_t, std::int64_t> next_;
};

}  // namespace medic::engine::workload
