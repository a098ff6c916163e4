// What went in and what came out, record by record: who counts both knows what was lost and what was doubled. Knows
// nothing of Kafka. Any number of threads may call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace medic::live {

struct RecordCheck {
    std::uint64_t checked = 0, lost = 0, doubled = 0;
};

class Ledger {
public:
    void sent(std::int64_t key);  // The same key again is a record of its own: it is owed twice.
    void seen(std::int64_t key);

    // How many have been sent so far, and how many records have come out.
    [[nodiscard]] std::size_t sent_count() const;
    [[nodiscard]] std::uint64_t seen_count() const;

    // Of the records sent as number `from` up to but not `until`. What is still on its way counts as lost.
    [[nodiscard]] RecordCheck check(std::size_t from, std::size_t until) const;

private:
    struct Counts {
        std::uint32_t sent = 0, seen = 0;
    };
    mutable std::mutex mutex_;
    std::vector<std::int64_t> order_;
    std::unordered_map<std::int64_t, Counts> counts_;
    std::uint64_t seen_ = 0;
};

}  // namespace medic::live
