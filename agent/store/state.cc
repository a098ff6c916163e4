#include "agent/store/state_internal.h"

#include <bit>

#include <xxhash.h>

namespace medic {

using namespace store_detail;

std::uint64_t store_detail::hash_of(const Labels& labels) {
    std::uint64_t hash = 0;
    for (const auto& [name, value] : labels.pairs()) {
        hash = XXH3_64bits_withSeed(name.data(), name.size(), hash);
        hash = XXH3_64bits_withSeed(value.data(), value.size(), hash + 1);
    }
    return hash;
}

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
    for (const auto& ref : refs(series)) by_label[label_key(ref.name, ref.value)].push_back(slot);
    if ((++used_series) * 2 > table.size())
        rebuild_table(std::max<std::size_t>(64, table.size() * 2));
    else
        enter(slot);
    ++generation;
    return slot;
}

const std::vector<std::uint32_t>* SeriesStore::State::slots_with(std::string_view name, std::string_view value) const {
    const auto name_symbol = symbols.find(name), value_symbol = symbols.find(value);
    if (!name_symbol || !value_symbol) return nullptr;
    const auto found = by_label.find(label_key(*name_symbol, *value_symbol));
    return found == by_label.end() ? nullptr : &found->second;
}

// Once for all that were removed: symbols that nobody uses any more may soon mean something else.
void SeriesStore::State::forget_removed() {
    for (auto& [label, with] : by_label) std::erase_if(with, [&](std::uint32_t slot) { return !slots[slot].used; });
    std::erase_if(by_label, [](const auto& entry) { return entry.second.empty(); });
    rebuild_table(table.size());
}

// The caller calls forget_removed() and rebuilds the targets' live lists afterwards, before anything is added.
void SeriesStore::State::remove(std::uint32_t slot) {
    Series& series = slots[slot];
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

}  // namespace medic
