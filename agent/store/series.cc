#include "agent/store/series.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <deque>
#include <map>
#include <unordered_map>

#include <re2/re2.h>
#include <xxhash.h>

#include "agent/store/runs_internal.h"
#include "agent/store/symbols_internal.h"

namespace medic {

using store_detail::Block;
using store_detail::BlockReader;
using store_detail::Ordinal;
using store_detail::Run;
using store_detail::Symbols;

namespace {

constexpr std::uint64_t stale_bits = 0x7ff0000000000002;  // Prometheus's value.StaleNaN.
constexpr unsigned slot_bits = 19;  // The rest of a SeriesId counts how often the slot was reused.
constexpr std::uint32_t slots_max = 1U << slot_bits;
constexpr std::uint16_t no_target = 0xffff;
constexpr std::size_t batches_kept_min = 64;
constexpr std::size_t block_bytes = 128;  // With the allocator's header.

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

// Times of a target's batches, once for all its series.
struct Target {
    std::string name;
    TargetHealth health;
    std::int64_t base_ms = 0;
    std::deque<std::uint32_t> offsets_ms;  // From base_ms; one per batch, oldest first.
    Ordinal first = 1;                     // Of offsets_ms.front().
    std::vector<std::uint32_t> live;       // Slots.
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

std::uint64_t hash_of(const Labels& labels) {
    std::uint64_t hash = 0;
    for (const auto& [name, value] : labels.pairs()) {
        hash = XXH3_64bits_withSeed(name.data(), name.size(), hash);
        hash = XXH3_64bits_withSeed(value.data(), value.size(), hash + 1);
    }
    return hash;
}

}  // namespace

double stale_marker() { return std::bit_cast<double>(stale_bits); }
bool is_stale_marker(double value) { return std::bit_cast<std::uint64_t>(value) == stale_bits; }

struct SeriesStore::State {
    explicit State(const StoreOptions& with)
        : options(with), batches_kept(std::max(with.samples_per_series_max, batches_kept_min)) {
        options.series_max = std::min<std::size_t>(options.series_max, slots_max);
    }

    StoreOptions options;
    std::size_t batches_kept;
    Symbols symbols;
    std::vector<LabelRef> label_refs;
    std::map<std::uint16_t, std::vector<std::uint32_t>> free_label_refs;  // By count.
    std::deque<Series> slots;
    std::vector<std::uint32_t> free_slots;
    std::vector<std::uint32_t> table;  // Open addressing over hashes: slot + 1, 0 = empty.
    std::unordered_map<std::uint32_t, std::vector<std::uint32_t>>
        by_name;  // Symbol of __name__'s value (or none) → slots.
    std::deque<Target> targets;
    std::map<std::string, std::uint16_t, std::less<>> target_ids;
    std::size_t used_series = 0, blocks = 0;
    std::uint64_t generation = 1, rejected = 0, dropped = 0, clock_steps = 0;

    // ---- identity
    [[nodiscard]] const Series* find(SeriesId id) const {
        const std::uint32_t slot = id & (slots_max - 1);
        if (slot >= slots.size()) return nullptr;
        const Series& series = slots[slot];
        return series.used && series.reuse == static_cast<std::uint16_t>(id >> slot_bits) ? &series : nullptr;
    }
    [[nodiscard]] SeriesId id_of(std::uint32_t slot) const {
        return (static_cast<SeriesId>(slots[slot].reuse) << slot_bits) | slot;
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
    [[nodiscard]] std::uint32_t name_symbol(const Series& series) const;

    // ---- samples
    Target* target(const std::string& name);
    [[nodiscard]] std::optional<std::int64_t> last_time(const Series& series) const;
    void put(Series& series, std::uint32_t slot, std::uint16_t target_id, Ordinal ordinal, double value);
    void flush(Series& series);
    void mark_stale(std::uint16_t target_id, Ordinal ordinal);
    void drop_old_blocks(Series& series);
    void relieve();
    void trim(Target& target, std::int64_t horizon_ms);
};

// ---- identity

bool SeriesStore::State::same(const Series& series, const Labels& labels) const {
    if (series.label_count != labels.pairs().size()) return false;
    std::size_t i = 0;
    for (const auto& ref : refs(series)) {
        const auto& [name, value] = labels.pairs()[i++];
        if (symbols.text(ref.name) != name || symbols.text(ref.value) != value) return false;
    }
    return true;
}

void SeriesStore::State::enter(std::uint32_t slot) {
    std::size_t at = slots[slot].hash & (table.size() - 1);
    while (table[at] != 0) at = (at + 1) & (table.size() - 1);
    table[at] = slot + 1;
}

void SeriesStore::State::rebuild_table(std::size_t size) {
    table.assign(size, 0);
    for (std::uint32_t slot = 0; slot < slots.size(); ++slot)
        if (slots[slot].used) enter(slot);
}

std::uint32_t SeriesStore::State::add(const Labels& labels, std::uint64_t hash) {
    std::uint32_t slot = 0;
    if (free_slots.empty()) {
        slot = static_cast<std::uint32_t>(slots.size());
        slots.emplace_back();
    } else {
        slot = free_slots.back();
        free_slots.pop_back();
    }
    Series& series = slots[slot];
    const std::uint16_t reuse = series.reuse;
    series = {};
    series.reuse = reuse;
    series.hash = hash;
    series.used = series.fresh = true;
    series.label_count = static_cast<std::uint16_t>(labels.pairs().size());
    if (auto free = free_label_refs.find(series.label_count); free != free_label_refs.end() && !free->second.empty()) {
        series.labels_at = free->second.back();
        free->second.pop_back();
    } else {
        series.labels_at = static_cast<std::uint32_t>(label_refs.size());
        label_refs.resize(label_refs.size() + series.label_count);
    }
    std::size_t at = series.labels_at;
    for (const auto& [name, value] : labels.pairs()) label_refs[at++] = {symbols.acquire(name), symbols.acquire(value)};
    by_name[name_symbol(series)].push_back(slot);
    if ((++used_series) * 2 > table.size())
        rebuild_table(std::max<std::size_t>(64, table.size() * 2));
    else
        enter(slot);
    ++generation;
    return slot;
}

std::uint32_t SeriesStore::State::name_symbol(const Series& series) const {
    for (const auto& ref : refs(series))
        if (symbols.text(ref.name) == "__name__") return ref.value;
    return std::numeric_limits<std::uint32_t>::max();
}

// The caller rebuilds `table` and the targets' live lists afterwards.
void SeriesStore::State::remove(std::uint32_t slot) {
    Series& series = slots[slot];
    const auto named = by_name.find(name_symbol(series));
    std::erase(named->second, slot);
    if (named->second.empty()) by_name.erase(named);
    for (const auto& ref : refs(series)) {
        symbols.release(ref.name);
        symbols.release(ref.value);
    }
    free_label_refs[series.label_count].push_back(series.labels_at);
    blocks -= series.blocks.size();
    const auto reuse = static_cast<std::uint16_t>((series.reuse + 1) & ((1U << (32 - slot_bits)) - 1));
    series = {};
    series.reuse = reuse;
    free_slots.push_back(slot);
    --used_series;
    ++generation;
}

// ---- samples

Target* SeriesStore::State::target(const std::string& name) {
    if (const auto found = target_ids.find(name); found != target_ids.end()) return &targets[found->second];
    std::size_t id = 0;
    while (id < targets.size() && targets[id].used) ++id;
    if (id >= no_target) return nullptr;
    if (id == targets.size()) targets.emplace_back();
    // A reused slot goes on counting, so that no old block can be taken for the new target's.
    const Ordinal next = targets[id].next();
    targets[id] = {};
    targets[id].first = next;
    targets[id].name = targets[id].health.target = name;
    target_ids.emplace(name, static_cast<std::uint16_t>(id));
    return &targets[id];
}

std::optional<std::int64_t> SeriesStore::State::last_time(const Series& series) const {
    if (series.target == no_target || series.run.last < targets[series.target].first) return std::nullopt;
    return targets[series.target].time(series.run.last);
}

void SeriesStore::State::put(Series& series, std::uint32_t slot, std::uint16_t target_id, Ordinal ordinal,
                             double value) {
    const bool same_target = series.target == target_id;
    if (same_target && series.run.last + 1 == ordinal &&
        std::bit_cast<std::uint64_t>(series.run.value) == std::bit_cast<std::uint64_t>(value)) {
        series.run.last = ordinal;
    } else {
        if (series.target != no_target) flush(series);
        series.target = target_id;
        series.run = {ordinal, ordinal, value};
    }
    const bool carried = !is_stale_marker(value);
    if (carried && (!same_target || !series.live)) targets[target_id].live.push_back(slot);
    series.live = carried;
    series.fresh = false;
}

void SeriesStore::State::flush(Series& series) {
    if (series.run.last < targets[series.target].first) return;  // Forgotten meanwhile.
    drop_old_blocks(series);
    if (!series.blocks.empty() && series.blocks.back()->target == series.target &&
        series.blocks.back()->push(series.run, series.previous))
        return;
    auto& block = series.blocks.emplace_back(std::make_unique<Block>());
    ++blocks;
    block->target = series.target;
    series.previous = 0;
    block->push(series.run, series.previous);
}

void SeriesStore::State::drop_old_blocks(Series& series) {
    const auto keep = std::ranges::find_if(
        series.blocks, [&](const auto& block) { return block->last >= targets[block->target].first; });
    if (keep == series.blocks.begin()) return;
    blocks -= static_cast<std::size_t>(keep - series.blocks.begin());
    series.blocks.erase(series.blocks.begin(), keep);
}

void SeriesStore::State::mark_stale(std::uint16_t target_id, Ordinal ordinal) {
    auto& live = targets[target_id].live;
    std::size_t kept = 0;
    for (const std::uint32_t slot : live) {
        Series& series = slots[slot];
        if (!series.used || !series.live || series.target != target_id) continue;
        if (series.run.last == ordinal)
            live[kept++] = slot;
        else
            put(series, slot, target_id, ordinal, stale_marker());
    }
    live.resize(kept);
}

void SeriesStore::State::trim(Target& of, std::int64_t horizon_ms) {
    while (!of.offsets_ms.empty() && (of.offsets_ms.size() > batches_kept || of.time(of.first) <= horizon_ms)) of.pop();
}

// Over the budget: every target remembers half as many batches, down to a floor; sparse targets hardly notice.
void SeriesStore::State::relieve() {
    while (blocks * block_bytes > options.sample_bytes_max && batches_kept > batches_kept_min) {
        batches_kept = std::max(batches_kept / 2, batches_kept_min);
        for (auto& each : targets) trim(each, std::numeric_limits<std::int64_t>::min());
        for (auto& series : slots) {
            if (!series.used) continue;
            drop_old_blocks(series);
            series.blocks.shrink_to_fit();
        }
    }
}

SeriesStore::SeriesStore(StoreOptions options) : state_(std::make_unique<State>(options)) {}
SeriesStore::~SeriesStore() = default;

std::optional<SeriesId> SeriesStore::intern(const Labels& labels) {
    State& state = *state_;
    const std::uint64_t hash = hash_of(labels);
    if (!state.table.empty()) {
        for (std::size_t at = hash & (state.table.size() - 1); state.table[at] != 0;
             at = (at + 1) & (state.table.size() - 1)) {
            const std::uint32_t slot = state.table[at] - 1;
            if (state.slots[slot].hash == hash && state.same(state.slots[slot], labels)) return state.id_of(slot);
        }
    }
    if (state.used_series >= state.options.series_max ||
        labels.pairs().size() > std::numeric_limits<std::uint16_t>::max()) {
        ++state.rejected;
        return std::nullopt;
    }
    return state.id_of(state.add(labels, hash));
}

bool SeriesStore::contains(SeriesId id) const { return state_->find(id) != nullptr; }

Labels SeriesStore::labels(SeriesId id) const {
    const Series* series = state_->find(id);
    if (series == nullptr) return {};
    std::vector<LabelPair> pairs;
    pairs.reserve(series->label_count);
    for (const auto& ref : state_->refs(*series))
        pairs.emplace_back(state_->symbols.text(ref.name), state_->symbols.text(ref.value));
    return Labels({}, std::move(pairs));
}

std::string_view SeriesStore::label(SeriesId id, std::string_view name) const {
    const Series* series = state_->find(id);
    const auto symbol = state_->symbols.find(name);
    return series != nullptr && symbol ? state_->value_of(*series, *symbol) : std::string_view();
}

std::uint64_t SeriesStore::rejected_series() const { return state_->rejected; }
std::uint64_t SeriesStore::generation() const { return state_->generation; }

void SeriesStore::append(const ScrapeBatch& batch) {
    State& state = *state_;
    Target* const target = state.target(batch.target);
    if (target == nullptr) {
        state.dropped += batch.samples.size();
        return;
    }
    auto& health = target->health;
    health.last_attempt = batch.at;
    health.last_error = batch.error;
    if (batch.outcome == ScrapeOutcome::failed) {
        ++health.failures_in_a_row;
        return;
    }
    health.failures_in_a_row = 0;
    if (batch.outcome == ScrapeOutcome::complete) health.last_complete = batch.at;

    if (!target->offsets_ms.empty() && batch.at.unix_ms <= target->last_time()) {
        if (target->last_time() - batch.at.unix_ms <= state.options.clock_step_back.count()) {
            state.dropped += batch.samples.size();
            return;
        }
        ++state.clock_steps;
        target->clear();
    }
    target->push(batch.at.unix_ms);
    state.trim(*target, batch.at.unix_ms - state.options.retention.count());
    const Ordinal ordinal = target->next() - 1;
    const auto target_id = static_cast<std::uint16_t>(state.target_ids.find(batch.target)->second);
    for (const auto& [id, value] : batch.samples) {
        const std::uint32_t slot = id & (slots_max - 1);
        const bool known = state.find(id) != nullptr;
        const auto last = known ? state.last_time(state.slots[slot]) : std::nullopt;
        if (!known || (last && *last >= batch.at.unix_ms))
            ++state.dropped;
        else
            state.put(state.slots[slot], slot, target_id, ordinal, value);
    }
    if (batch.outcome == ScrapeOutcome::complete) state.mark_stale(target_id, ordinal);
    if (state.blocks * block_bytes > state.options.sample_bytes_max) state.relieve();
}

std::span<const Sample> SeriesStore::range(SeriesId id, WallTime from, WallTime to, std::vector<Sample>& buffer) const {
    buffer.clear();
    const Series* series = state_->find(id);
    if (series == nullptr || series->target == no_target) return buffer;
    std::uint16_t target_id = no_target;
    Ordinal low = 0, end = 0;  // Batches in (from, to] of the target at hand.
    const Target* target = nullptr;
    const auto turn_to = [&](std::uint16_t next) {
        if (next == target_id) return;
        target_id = next;
        target = &state_->targets[next];
        low = target->after(from.unix_ms);
        end = target->after(to.unix_ms);
    };
    const auto emit = [&](const Run& run) {
        for (Ordinal ordinal = std::max(low, run.first); ordinal < end && ordinal <= run.last; ++ordinal)
            buffer.push_back({target->time(ordinal), run.value});
    };
    for (const auto& block : series->blocks) {
        turn_to(block->target);
        if (block->last < low || block->first >= end) continue;
        BlockReader reader(*block);
        while (const auto run = reader.next()) {
            if (run->first >= end) break;
            emit(*run);
        }
    }
    turn_to(series->target);
    emit(series->run);
    return buffer;
}

std::optional<Sample> SeriesStore::instant(SeriesId id, WallTime at, Duration lookback) const {
    const Series* series = state_->find(id);
    if (series == nullptr) return std::nullopt;
    const auto last = state_->last_time(*series);
    if (!last) return std::nullopt;
    Sample sample{*last, series->run.value};
    if (*last > at.unix_ms) {
        std::vector<Sample> buffer;
        const auto samples = range(id, at - lookback, at, buffer);
        if (samples.empty()) return std::nullopt;
        sample = samples.back();
    }
    if (sample.at_ms <= at.unix_ms - lookback.count() || is_stale_marker(sample.value)) return std::nullopt;
    return sample;
}

std::optional<Sample> SeriesStore::latest(SeriesId id, WallTime at, Duration lookback) const {
    const auto sample = instant(id, at, lookback);
    return sample && !std::isnan(sample->value) ? sample : std::nullopt;
}

std::vector<SeriesId> SeriesStore::select(std::span<const LabelMatcher> matchers) const {
    const State& state = *state_;
    struct Test {
        std::optional<std::uint32_t> name;
        const LabelMatcher* matcher;
        std::unique_ptr<RE2> regex;
    };
    std::vector<Test> tests;
    const LabelMatcher* by_name = nullptr;
    for (const auto& matcher : matchers) {
        if (matcher.label == "__name__" && matcher.op == LabelMatcher::Op::equal && !matcher.value.empty() &&
            by_name == nullptr) {
            by_name = &matcher;
            continue;
        }
        Test test{state.symbols.find(matcher.label), &matcher, nullptr};
        if (matcher.op == LabelMatcher::Op::matches || matcher.op == LabelMatcher::Op::not_matches) {
            RE2::Options options(RE2::Quiet);
            options.set_dot_nl(true);  // As Prometheus compiles them: ^(?s:…)$.
            test.regex = std::make_unique<RE2>(matcher.value, options);
            if (!test.regex->ok()) return {};
        }
        tests.push_back(std::move(test));
    }
    const auto holds = [&](const Series& series) {
        return std::ranges::all_of(tests, [&](const Test& test) {
            const std::string_view value = test.name ? state.value_of(series, *test.name) : std::string_view();
            switch (test.matcher->op) {
                case LabelMatcher::Op::equal: return value == test.matcher->value;
                case LabelMatcher::Op::not_equal: return value != test.matcher->value;
                case LabelMatcher::Op::matches:
                    return RE2::FullMatch(re2::StringPiece(value.data(), value.size()), *test.regex);
                case LabelMatcher::Op::not_matches:
                    return !RE2::FullMatch(re2::StringPiece(value.data(), value.size()), *test.regex);
            }
            return false;
        });
    };
    std::vector<SeriesId> result;
    if (by_name != nullptr) {
        const auto symbol = state.symbols.find(by_name->value);
        const auto named = symbol ? state.by_name.find(*symbol) : state.by_name.end();
        if (named == state.by_name.end()) return result;
        for (const std::uint32_t slot : named->second)
            if (holds(state.slots[slot])) result.push_back(state.id_of(slot));
    } else {
        for (std::uint32_t slot = 0; slot < state.slots.size(); ++slot)
            if (state.slots[slot].used && holds(state.slots[slot])) result.push_back(state.id_of(slot));
    }
    std::ranges::sort(result);
    return result;
}

std::vector<TargetHealth> SeriesStore::targets() const {
    std::vector<TargetHealth> result;
    for (const auto& [name, id] : state_->target_ids) result.push_back(state_->targets[id].health);
    return result;
}

StoreUsage SeriesStore::usage() const {
    const State& state = *state_;
    StoreUsage usage;
    usage.series = state.used_series;
    usage.sample_bytes = state.blocks * block_bytes;
    usage.index_bytes = state.symbols.bytes() + state.slots.size() * sizeof(Series) +
                        state.label_refs.capacity() * sizeof(LabelRef) +
                        state.table.capacity() * sizeof(std::uint32_t) + state.by_name.size() * 80 +
                        state.used_series * sizeof(std::uint32_t);
    for (const auto& target : state.targets)
        usage.index_bytes += sizeof(Target) + target.offsets_ms.size() * sizeof(std::uint32_t);
    usage.batches_kept_max = state.batches_kept;
    usage.rejected_series = state.rejected;
    usage.dropped_samples = state.dropped;
    usage.clock_steps = state.clock_steps;
    return usage;
}

void SeriesStore::forget_before(WallTime horizon) {
    State& state = *state_;
    for (auto& target : state.targets) state.trim(target, horizon.unix_ms);
    std::size_t removed = 0;
    for (std::uint32_t slot = 0; slot < state.slots.size(); ++slot) {
        Series& series = state.slots[slot];
        if (!series.used) continue;
        state.drop_old_blocks(series);
        if (state.last_time(series) || std::exchange(series.fresh, false)) continue;
        state.remove(slot);
        ++removed;
    }
    if (removed > 0) state.rebuild_table(state.table.size());
    for (std::uint16_t id = 0; id < state.targets.size(); ++id) {
        auto& live = state.targets[id].live;
        std::erase_if(live, [&](std::uint32_t slot) {
            return !state.slots[slot].used || !state.slots[slot].live || state.slots[slot].target != id;
        });
        std::ranges::sort(live);
        live.erase(std::ranges::unique(live).begin(), live.end());
    }
    std::erase_if(state.target_ids, [&](const auto& entry) {
        Target& target = state.targets[entry.second];
        if (!target.offsets_ms.empty() || target.health.last_attempt > horizon) return false;
        target.used = false;
        return true;
    });
    // A third of the budget leaves room for remembering twice as long.
    if (state.blocks * block_bytes < state.options.sample_bytes_max / 3)
        state.batches_kept =
            std::min(state.batches_kept * 2, std::max(state.options.samples_per_series_max, batches_kept_min));
}

}  // namespace medic
