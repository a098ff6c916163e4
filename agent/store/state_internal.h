// The inside of SeriesStore: identity (labels, ids, look-up) and samples (targets' times, runs, blocks). Nobody else
// includes it.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <unordered_map>

#include "agent/store/runs_internal.h"
#include "agent/store/series.h"
#include "agent/store/symbols_internal.h"

namespace medic {

namespace store_detail {

inline constexpr unsigned slot_bits = 19;  // The rest of a SeriesId counts how often the slot was reused.
inline constexpr std::uint32_t slots_max = 1U << slot_bits;
inline constexpr std::uint16_t no_target = 0xffff;
inline constexpr std::size_t batches_kept_min = 64;
inline constexpr std::size_t block_bytes = 128;  // With the allocator's header.

// Thinning leaves this much of every series as it was measured: the window of most rules and a bit.
inline constexpr std::int64_t whole_ms = 6 * 60'000;

struct LabelRef {
    std::uint32_t name = 0, value = 0;  // Symbols.
};

struct Series {
    std::uint64_t hash = 0;
    std::uint32_t labels_at = 0;
    std::uint16_t label_count = 0;
    std::uint16_t reuse = 0;
    std::uint16_t target = no_target;  // Who wrote the present run.
    bool used = false;
    bool live = false;    // In its target's list: the next complete batch without it marks it stale.
    bool fresh = false;   // Interned since the last forget_before().
    Run run;              // The present run, not yet in a block.
    double previous = 0;  // The encoder's state of the last block.
    std::vector<std::unique_ptr<Block>> blocks;
};

// A queue whose elements lie side by side: they are read far more often than they come and go.
class Offsets {
public:
    [[nodiscard]] bool empty() const { return head_ == values_.size(); }
    [[nodiscard]] std::size_t size() const { return values_.size() - head_; }
    [[nodiscard]] std::uint32_t front() const { return values_[head_]; }
    [[nodiscard]] std::uint32_t back() const { return values_.back(); }
    std::uint32_t operator[](std::size_t i) const { return values_[head_ + i]; }
    [[nodiscard]] auto begin() { return values_.begin() + static_cast<std::ptrdiff_t>(head_); }
    [[nodiscard]] auto end() { return values_.end(); }
    [[nodiscard]] auto begin() const { return values_.begin() + static_cast<std::ptrdiff_t>(head_); }
    [[nodiscard]] auto end() const { return values_.end(); }
    void push_back(std::uint32_t value) { values_.push_back(value); }
    void pop_front() {
        if (++head_ * 2 < values_.size() || head_ < 64) return;
        values_.erase(values_.begin(), begin());
        head_ = 0;
    }
    void clear() {
        values_.clear();
        head_ = 0;
    }

private:
    std::vector<std::uint32_t> values_;
    std::size_t head_ = 0;
};

// Times of a target's batches, once for all its series.
struct Target {
    std::string name;
    TargetHealth health;
    std::int64_t base_ms = 0;
    Offsets offsets_ms;               // From base_ms; one per batch, oldest first.
    Ordinal first = 1;                // Of offsets_ms.front().
    std::vector<std::uint32_t> live;  // Slots.
    bool used = true;

    [[nodiscard]] Ordinal next() const { return first + static_cast<Ordinal>(offsets_ms.size()); }
    [[nodiscard]] std::int64_t time(Ordinal ordinal) const { return base_ms + offsets_ms[ordinal - first]; }
    [[nodiscard]] std::int64_t last_time() const { return base_ms + offsets_ms.back(); }
    // The first batch after `at`; next() when there is none.
    [[nodiscard]] Ordinal after(std::int64_t at_ms) const {
        if (offsets_ms.empty() || at_ms >= last_time()) return next();
        if (at_ms < base_ms) return first;
        const auto offset = static_cast<std::uint64_t>(at_ms - base_ms);
        const auto found = std::upper_bound(offsets_ms.begin(), offsets_ms.end(), offset,
                                            [](std::uint64_t value, std::uint32_t element) { return value < element; });
        return first + static_cast<Ordinal>(found - offsets_ms.begin());
    }
    void push(std::int64_t at_ms) {
        if (offsets_ms.empty()) base_ms = at_ms;
        if (at_ms - base_ms > std::numeric_limits<std::int32_t>::max()) rebase(at_ms);
        offsets_ms.push_back(static_cast<std::uint32_t>(at_ms - base_ms));
    }
    void rebase(std::int64_t at_ms) {
        // More than 24 days since the base: what is left after it is far inside retention, or is dropped.
        while (!offsets_ms.empty() && at_ms - time(first) > std::numeric_limits<std::int32_t>::max()) pop();
        const std::uint32_t shift = offsets_ms.empty() ? 0 : offsets_ms.front();
        base_ms = offsets_ms.empty() ? at_ms : base_ms + shift;
        for (auto& offset : offsets_ms) offset -= shift;
    }
    void pop() {
        offsets_ms.pop_front();
        ++first;
    }
    void clear() {
        first = next();
        offsets_ms.clear();
    }
};

[[nodiscard]] std::uint64_t hash_of(const Labels& labels);

}  // namespace store_detail

struct SeriesStore::State {
    using Block = store_detail::Block;
    using Ordinal = store_detail::Ordinal;
    using Run = store_detail::Run;
    using Series = store_detail::Series;
    using Target = store_detail::Target;
    using LabelRef = store_detail::LabelRef;

    explicit State(const StoreOptions& with)
        : options(with), batches_kept(std::max(with.samples_per_series_max, store_detail::batches_kept_min)) {
        options.series_max = std::min<std::size_t>(options.series_max, store_detail::slots_max);
    }

    StoreOptions options;
    std::size_t batches_kept;
    store_detail::Symbols symbols;
    std::vector<LabelRef> label_refs;
    std::map<std::uint16_t, std::vector<std::uint32_t>> free_label_refs;  // By count.
    std::deque<Series> slots;
    std::vector<std::uint32_t> free_slots;
    std::vector<std::uint32_t> table;  // Open addressing over hashes: slot + 1, 0 = empty.
    // Slots by label: the symbols of its name and its value. What is selected by any label is found by the rarest.
    std::unordered_map<std::uint64_t, std::vector<std::uint32_t>> by_label;
    std::map<std::string, std::uint64_t, std::less<>> rejected_by_cluster;
    std::deque<Target> targets;
    std::map<std::string, std::uint16_t, std::less<>> target_ids;
    std::size_t used_series = 0, blocks = 0;
    std::uint64_t generation = 1, rejected = 0, dropped = 0, clock_steps = 0;
    std::int64_t relief_failed_ms = -1'000'000;  // When nothing more could be given up.

    // ---- identity
    [[nodiscard]] const Series* find(SeriesId id) const {
        const std::uint32_t slot = id & (store_detail::slots_max - 1);
        if (slot >= slots.size()) return nullptr;
        const Series& series = slots[slot];
        return series.used && series.reuse == static_cast<std::uint16_t>(id >> store_detail::slot_bits) ? &series
                                                                                                        : nullptr;
    }
    [[nodiscard]] SeriesId id_of(std::uint32_t slot) const {
        return (static_cast<SeriesId>(slots[slot].reuse) << store_detail::slot_bits) | slot;
    }
    [[nodiscard]] std::span<const LabelRef> refs(const Series& series) const {
        return std::span(label_refs).subspan(series.labels_at, series.label_count);
    }
    [[nodiscard]] std::string_view value_of(const Series& series, std::uint32_t name_symbol) const {
        for (const auto& ref : refs(series))
            if (ref.name == name_symbol) return symbols.text(ref.value);
        return {};
    }
    [[nodiscard]] bool same(const Series& series, const Labels& labels) const;
    void enter(std::uint32_t slot);
    void rebuild_table(std::size_t size);
    std::uint32_t add(const Labels& labels, std::uint64_t hash);
    void remove(std::uint32_t slot);
    void forget_removed();  // After the last remove() of many: their slots leave the look-up tables.
    [[nodiscard]] static std::uint64_t label_key(std::uint32_t name, std::uint32_t value) {
        return (static_cast<std::uint64_t>(name) << 32U) | value;
    }
    // nullptr: no series has this label.
    [[nodiscard]] const std::vector<std::uint32_t>* slots_with(std::string_view name, std::string_view value) const;

    // ---- samples
    Target* target(const std::string& name);
    [[nodiscard]] std::optional<std::int64_t> last_time(const Series& series) const;
    void put(Series& series, std::uint32_t slot, std::uint16_t target_id, Ordinal ordinal, double value);
    void flush(Series& series);
    void mark_stale(std::uint16_t target_id, Ordinal ordinal);
    void drop_old_blocks(Series& series);
    // Over the budget: see thinning.cc.
    void relieve(std::int64_t now_ms);
    void thin(Series& series, std::uint8_t spacing_s, std::int64_t now_ms);
    void trim(Target& target, std::int64_t horizon_ms);
};

}  // namespace medic
