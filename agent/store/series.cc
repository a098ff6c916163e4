#include "agent/store/series.h"

#include <bit>
#include <cmath>

#include <re2/re2.h>

#include "agent/store/state_internal.h"

namespace medic {

using namespace store_detail;

namespace {

constexpr std::uint64_t stale_bits = 0x7ff0000000000002;  // Prometheus's value.StaleNaN.

}  // namespace

double stale_marker() { return std::bit_cast<double>(stale_bits); }
bool is_stale_marker(double value) { return std::bit_cast<std::uint64_t>(value) == stale_bits; }

SeriesStore::SeriesStore(StoreOptions options) : state_(std::make_unique<State>(options)) {}
SeriesStore::~SeriesStore() = default;

void SeriesStore::set_sample_bytes_max(std::size_t bytes) { state_->options.sample_bytes_max = bytes; }

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
    if (const std::string_view cluster = labels.get("cluster"); !cluster.empty()) {
        const auto* const others = state.slots_with("cluster", cluster);
        if (others != nullptr && others->size() >= state.options.series_per_cluster_max) {
            ++state.rejected;
            ++state.rejected_by_cluster[std::string(cluster)];
            return std::nullopt;
        }
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
    if (state.blocks * block_bytes > state.options.sample_bytes_max) state.relieve(batch.at.unix_ms);
}

namespace {

// Calls `take(target, first, last, value)` with each run of equal values within (from, to], oldest first, until it
// returns false.
template <class Take>
void for_runs(const std::deque<Target>& targets, const Series& series, WallTime from, WallTime to, Take take) {
    std::uint16_t target_id = no_target;
    Ordinal low = 0, end = 0;  // Batches in (from, to] of the target at hand.
    const auto turn_to = [&](std::uint16_t next) {
        if (next == target_id) return;
        target_id = next;
        low = targets[next].after(from.unix_ms);
        end = targets[next].after(to.unix_ms);
    };
    const auto give = [&](const Run& run) {
        const Ordinal first = std::max(low, run.first), past = std::min(end, run.last + 1);
        return first >= past || take(targets[target_id], first, past, run.value);
    };
    for (const auto& block : series.blocks) {
        turn_to(block->target);
        if (block->last < low || block->first >= end) continue;
        BlockReader reader(*block);
        while (const auto run = reader.next()) {
            if (run->first >= end) break;
            if (!give(*run)) return;
        }
    }
    turn_to(series.target);
    give(series.run);
}

}  // namespace

std::span<const Sample> SeriesStore::range(SeriesId id, WallTime from, WallTime to, std::vector<Sample>& buffer) const {
    buffer.clear();
    const Series* series = state_->find(id);
    if (series == nullptr || series->target == no_target) return buffer;
    for_runs(state_->targets, *series, from, to, [&](const Target& target, Ordinal first, Ordinal past, double value) {
        for (Ordinal ordinal = first; ordinal < past; ++ordinal) buffer.push_back({target.time(ordinal), value});
        return true;
    });
    return buffer;
}

bool SeriesStore::is_only(SeriesId id, double value, WallTime from, WallTime to) const {
    const Series* series = state_->find(id);
    bool only = true;
    if (series == nullptr || series->target == no_target) return only;
    for_runs(state_->targets, *series, from, to, [&](const Target&, Ordinal, Ordinal, double one) {
        only = one == value || is_stale_marker(one);
        return only;
    });
    return only;
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

namespace {

// A matcher made ready. An equality with a value is two symbols to compare; all else needs the text.
struct Test {
    const LabelMatcher* matcher = nullptr;
    std::optional<std::uint32_t> name;
    std::optional<std::uint32_t> value;  // Of an equality.
    std::unique_ptr<RE2> regex;
};

bool holds(const Test& test, std::string_view value) {
    switch (test.matcher->op) {
        case LabelMatcher::Op::equal: return value == test.matcher->value;
        case LabelMatcher::Op::not_equal: return value != test.matcher->value;
        case LabelMatcher::Op::matches:
            return RE2::FullMatch(re2::StringPiece(value.data(), value.size()), *test.regex);
        case LabelMatcher::Op::not_matches:
            return !RE2::FullMatch(re2::StringPiece(value.data(), value.size()), *test.regex);
    }
    return false;
}

std::unique_ptr<RE2> regex_of(const LabelMatcher& matcher) {
    if (matcher.op != LabelMatcher::Op::matches && matcher.op != LabelMatcher::Op::not_matches) return nullptr;
    RE2::Options options(RE2::Quiet);
    options.set_dot_nl(true);  // As Prometheus compiles them: ^(?s:…)$.
    return std::make_unique<RE2>(matcher.value, options);
}

}  // namespace

std::vector<SeriesId> SeriesStore::select(std::span<const LabelMatcher> matchers) const {
    const State& state = *state_;
    std::vector<Test> tests;
    const std::vector<std::uint32_t>* rarest = nullptr;  // Slots with the label that the fewest series have.
    for (const auto& matcher : matchers) {
        Test test{&matcher, state.symbols.find(matcher.label), std::nullopt, regex_of(matcher)};
        if (test.regex && !test.regex->ok()) return {};
        if (matcher.op == LabelMatcher::Op::equal && !matcher.value.empty()) {
            const auto* const slots = state.slots_with(matcher.label, matcher.value);
            if (slots == nullptr) return {};
            test.value = state.symbols.find(matcher.value);
            if (rarest == nullptr || slots->size() < rarest->size()) rarest = slots;
        }
        tests.push_back(std::move(test));
    }
    const auto all_hold = [&](const Series& series) {
        return std::ranges::all_of(tests, [&](const Test& test) {
            if (test.value)
                return std::ranges::any_of(state.refs(series), [&](const LabelRef& ref) {
                    return ref.name == *test.name && ref.value == *test.value;
                });
            return holds(test, test.name ? state.value_of(series, *test.name) : std::string_view());
        });
    };
    std::vector<SeriesId> result;
    if (rarest != nullptr) {
        for (const std::uint32_t slot : *rarest)
            if (all_hold(state.slots[slot])) result.push_back(state.id_of(slot));
    } else {
        for (std::uint32_t slot = 0; slot < state.slots.size(); ++slot)
            if (state.slots[slot].used && all_hold(state.slots[slot])) result.push_back(state.id_of(slot));
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
                        state.table.capacity() * sizeof(std::uint32_t) + state.by_label.size() * 80 +
                        state.label_refs.size() * sizeof(std::uint32_t);
    for (const auto& target : state.targets)
        usage.index_bytes += sizeof(Target) + target.offsets_ms.size() * sizeof(std::uint32_t);
    usage.batches_kept_max = state.batches_kept;
    usage.rejected_series = state.rejected;
    usage.rejected_by_cluster = {state.rejected_by_cluster.begin(), state.rejected_by_cluster.end()};
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
    if (removed > 0) state.forget_removed();
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
