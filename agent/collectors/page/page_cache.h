// Reads the same target's page again and again: a series that was on an earlier page is recognised by its bytes, and
// only its value is parsed. What a series means (labels to add, canonical name, scale, or nothing) is asked once, when
// it is new. One PageCache per target; used by collectors, on the ingest thread.
#pragma once

#include <functional>
#include <vector>

#include "agent/collectors/page/page.h"
#include "agent/store/series.h"

namespace medic {

class PageCache {
public:
    // Where a series of the page goes: value * scale is appended to `id`.
    struct Destination {
        SeriesId id = 0;
        double scale = 1;
    };
    // Appends the destinations of a new series to the list; none: the series is ignored (and stays so).
    using Resolve = std::function<void(const PageSample& sample, std::vector<Destination>& destinations)>;

    explicit PageCache(PageFormat format, PageLimits limits = {}) : format_(format), limits_(limits) {}

    // Appends the page's samples to batch.samples. A problem makes the batch partial and fills its error (first
    // problem, and how many lines); nothing readable at all makes it failed. target and at are left to the caller.
    PageSummary read(std::string_view page, const SeriesStore& store, const Resolve& resolve, ScrapeBatch& batch);

    // Forget what series mean, for instance when rules of translation changed.
    void clear();
    [[nodiscard]] std::size_t known() const { return entries_.size(); }
    [[nodiscard]] std::uint64_t hits() const { return hits_; }  // Samples read without parsing their series.
    [[nodiscard]] std::uint64_t misses() const { return misses_; }

private:
    struct Entry {
        std::uint64_t hash = 0;
        std::uint32_t destinations_at = 0;
        std::uint32_t page = 0;   // Last seen on.
        std::uint32_t order = 0;  // Its place there.
        std::uint16_t length = 0;
        std::uint16_t destinations = 0;
    };
    class Pass;

    void rebuild_table();
    void drop_unseen();
    void sort_as_seen();

    PageFormat format_;
    PageLimits limits_;
    std::vector<Entry> entries_;  // In the order of the page.
    std::vector<Destination> destinations_;
    std::vector<std::uint32_t> table_;  // Open addressing over hashes: entry + 1, 0 = empty.
    std::uint32_t page_ = 0;
    std::uint64_t hits_ = 0, misses_ = 0;
};

}  // namespace medic
