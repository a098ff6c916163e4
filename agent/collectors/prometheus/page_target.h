// One page that is read again and again: bytes in, a batch of canonical samples out. On the ingest thread.
#pragma once

#include <map>
#include <set>
#include <string>

#include "agent/collectors/look.h"
#include "agent/collectors/page/page_cache.h"
#include "agent/collectors/prometheus/canonical.h"

namespace medic {

class PageTarget {
public:
    PageTarget(std::string target, PageOwner owner) : target_(std::move(target)), owner_(std::move(owner)) {}

    // Owners become known later (which broker runs on this node?): what the page means is then asked anew.
    void set_owner(PageOwner owner);
    [[nodiscard]] const PageOwner& owner() const { return owner_; }
    [[nodiscard]] const std::string& target() const { return target_; }
    // The last page held series that could not be named for want of a broker's or worker's id.
    [[nodiscard]] bool lacks_owner() const { return lacks_owner_; }

    // A missing answer gives a failed batch.
    [[nodiscard]] ScrapeBatch read(const Result<HttpAnswer>& answer, SeriesStore& store, WallTime at);

private:
    std::string target_;
    PageOwner owner_;
    std::optional<PageCache> cache_;  // Made with the format of the first answer.
    PageFormat format_ = PageFormat::prometheus_text;
    std::set<SeriesId> sums_;
    bool lacks_owner_ = false;
};

}  // namespace medic
