#include "agent/store/state_internal.h"

namespace medic {

using namespace store_detail;

namespace {

constexpr std::uint8_t spacings_s[] = {15, 30, 60};

// A counter that began again falls to nearly nothing; what it had reached must stay, or increase() loses it.
bool is_reset(double before, double after) { return before > 0 && after < before / 2; }

}  // namespace

void SeriesStore::State::relieve(std::int64_t now_ms) {
    // It goes over all series: where nothing more can be given up it must not be tried again at every batch.
    constexpr std::int64_t retry_ms = 5'000;
    if (now_ms >= relief_failed_ms && now_ms - relief_failed_ms < retry_ms) return;
    // Leave room for a while, so that this is rare.
    const auto over = [&](std::size_t eighths) {
        return blocks * block_bytes > options.sample_bytes_max / 8 * eighths;
    };
    for (const std::uint8_t spacing_s : spacings_s) {
        if (!over(6)) return;
        for (auto& series : slots)
            if (series.used) thin(series, spacing_s, now_ms);
    }
    while (over(7) && batches_kept > batches_kept_min) {
        batches_kept = std::max(batches_kept / 2, batches_kept_min);
        for (auto& each : targets) trim(each, std::numeric_limits<std::int64_t>::min());
        for (auto& series : slots) {
            if (!series.used) continue;
            drop_old_blocks(series);
            series.blocks.shrink_to_fit();
        }
    }
    if (over(8)) relief_failed_ms = now_ms;
}

void SeriesStore::State::thin(Series& series, std::uint8_t spacing_s, std::int64_t now_ms) {
    drop_old_blocks(series);
    // Blocks that are old enough, but never the last one, which is still written to.
    std::size_t begin = 0, end = 0;
    const auto old = [&](const Block& block) {
        const Target& target = targets[block.target];
        return block.last < target.first || target.time(block.last) < now_ms - whole_ms;
    };
    while (end + 1 < series.blocks.size() && old(*series.blocks[end])) ++end;
    while (begin < end && series.blocks[begin]->thinned_s >= spacing_s) ++begin;
    if (begin == end) return;
    // The block before has room: what is kept joins it, or thinned blocks would stay nearly empty.
    constexpr std::uint8_t worth_joining = Block::capacity - 24;
    if (begin > 0 && series.blocks[begin - 1]->used < worth_joining) --begin;

    struct Piece {
        Run run;
        std::uint16_t target;
        bool keep;  // Was chosen before.
    };
    std::vector<Piece> pieces;
    for (std::size_t i = begin; i < end; ++i) {
        BlockReader reader(*series.blocks[i]);
        while (auto run = reader.next()) {
            run->first = std::max(run->first, targets[series.blocks[i]->target].first);
            if (run->first <= run->last)
                pieces.push_back({*run, series.blocks[i]->target, series.blocks[i]->thinned_s >= spacing_s});
        }
    }
    std::vector<std::unique_ptr<Block>> thinned;
    double previous = 0;
    std::int64_t kept_ms = std::numeric_limits<std::int64_t>::min() / 2;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
        const auto& [run, target_id, keep] = pieces[i];
        const std::int64_t first_ms = targets[target_id].time(run.first), last_ms = targets[target_id].time(run.last);
        const double* const next = i + 1 < pieces.size() ? &pieces[i + 1].run.value : nullptr;
        const bool edge =
            is_stale_marker(run.value) || next == nullptr || is_stale_marker(*next) || is_reset(run.value, *next);
        if (!edge && last_ms - first_ms < spacing_s * 1000 && last_ms - kept_ms < spacing_s * 1000) continue;
        kept_ms = last_ms;
        if (!thinned.empty() && thinned.back()->target == target_id && thinned.back()->push(run, previous)) continue;
        auto& block = thinned.emplace_back(std::make_unique<Block>());
        block->target = target_id;
        block->thinned_s = spacing_s;
        previous = 0;
        block->push(run, previous);
    }
    if (thinned.size() >= end - begin) {
        for (std::size_t i = begin; i < end; ++i) series.blocks[i]->thinned_s = spacing_s;
        return;
    }
    blocks -= (end - begin) - thinned.size();
    const auto from = series.blocks.begin() + static_cast<std::ptrdiff_t>(begin);
    const auto to = std::ranges::move(thinned, from).out;
    series.blocks.erase(to, series.blocks.begin() + static_cast<std::ptrdiff_t>(end));
}

}  // namespace medic
