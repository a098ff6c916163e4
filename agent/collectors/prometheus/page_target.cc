#include "agent/collectors/prometheus/page_target.h"

#include <algorithm>

namespace medic {

void PageTarget::set_owner(PageOwner owner) {
    const bool same =
        owner.broker == owner_.broker && owner.worker == owner_.worker && owner.taskmanager == owner_.taskmanager;
    owner_ = std::move(owner);
    if (!same && cache_) cache_->clear();
    if (!same) lacks_owner_ = false;
}

ScrapeBatch PageTarget::read(const Result<HttpAnswer>& answer, SeriesStore& store, WallTime at) {
    ScrapeBatch batch{.target = target_, .at = at, .outcome = ScrapeOutcome::complete, .error = {}, .samples = {}};
    if (!answer || answer->status != 200) {
        batch.outcome = ScrapeOutcome::failed;
        batch.error = answer ? "HTTP status " + std::to_string(answer->status) : answer.error().message;
        return batch;
    }
    const PageFormat format = page_format(answer->content_type);
    if (!cache_ || format != format_) {
        cache_.emplace(format);
        format_ = format;
    }
    const CanonicalNames& names = CanonicalNames::built_in();
    cache_->read(
        answer->body, store,
        [&](const PageSample& sample, std::vector<PageCache::Destination>& destinations) {
            for (const auto& match : names.matches(sample, owner_)) {
                const auto id = store.intern(match.labels);
                if (!id) continue;
                destinations.push_back({*id, match.scale});
                if (match.sum) sums_.insert(*id);
            }
            lacks_owner_ = lacks_owner_ || names.lacks_owner(sample, owner_);
        },
        batch);
    if (!sums_.empty()) {
        std::map<SeriesId, double> sums;
        std::erase_if(batch.samples, [&](const auto& sample) {
            if (!sums_.contains(sample.first)) return false;
            sums[sample.first] += sample.second;
            return true;
        });
        for (const auto& sum : sums) batch.samples.push_back(sum);
    }
    if (lacks_owner_ && batch.outcome == ScrapeOutcome::complete) {
        batch.outcome = ScrapeOutcome::partial;
        batch.error = "whose page this is (broker, worker) is not known yet";
    }
    return batch;
}

}  // namespace medic
