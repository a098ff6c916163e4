#include "agent/collectors/page/page_cache.h"

#include <algorithm>

#include <xxhash.h>

#include "agent/collectors/page/line_internal.h"

namespace medic {

using page_detail::Comment;
using page_detail::Cursor;
using page_detail::LineReader;

class PageCache::Pass {
public:
    Pass(PageCache& cache, const SeriesStore& store, const Resolve& resolve, ScrapeBatch& batch)
        : cache_(cache), store_(store), resolve_(resolve), batch_(batch), reader_(cache.format_, cache.limits_) {}

    PageSummary run(std::string_view page) {
        if (page.size() > cache_.limits_.bytes_max) {
            problem({0, 0,
                     fmt::format("the page has {} bytes, at most {} are read", page.size(), cache_.limits_.bytes_max)});
            return summary_;
        }
        const bool whole = page_detail::for_each_line(
            page, [&](std::string_view text, std::size_t number) { return line(text, number); });
        if (!whole)
            problem({summary_.lines + 1, 1, "expected a line feed at the end of the last line: the page is cut off"});
        else if (cache_.format_ == PageFormat::open_metrics && !eof_)
            problem({0, 0, "expected \"# EOF\" as the last line: the page is cut off"});
        return summary_;
    }
    [[nodiscard]] std::size_t new_series() const { return new_series_; }

private:
    bool line(std::string_view text, std::size_t number) {
        summary_.lines = number;
        if (text.empty()) return true;
        if (eof_) return problem({number, 1, "expected nothing after # EOF"});
        if (text.size() > cache_.limits_.line_bytes_max)
            return problem({number, 1,
                            fmt::format("the line has {} bytes, at most {} are read", text.size(),
                                        cache_.limits_.line_bytes_max)});
        if (text.front() == '#') return comment(text, number);
        if (summary_.samples >= cache_.limits_.samples_max) {
            problem({number, 1, fmt::format("more than {} samples", cache_.limits_.samples_max)});
            return false;
        }
        return known(text, number) || unknown(text, number);
    }

    // The series that followed on the last page is most likely the one that follows now.
    bool known(std::string_view text, std::size_t number) {
        if (next_ >= cache_.entries_.size()) return false;
        Entry& entry = cache_.entries_[next_];
        if (text.size() <= entry.length || (text[entry.length] != ' ' && text[entry.length] != '\t')) return false;
        if (XXH3_64bits(text.data(), entry.length) != entry.hash || !destinations_live(entry)) return false;
        Cursor cursor(text);
        cursor.at += entry.length;
        PageSample sample;
        if (!reader_.tail(cursor, sample)) {
            PageProblem found = reader_.problem();
            found.line = number;
            ++next_;
            return problem(std::move(found));
        }
        ++cache_.hits_;
        ++next_;
        emit(entry, sample.value);
        return true;
    }

    // False once the store forgot one of them: the series must be asked for again.
    bool destinations_live(const Entry& entry) const {
        for (std::size_t i = 0; i < entry.destinations; ++i)
            if (!store_.contains(cache_.destinations_[entry.destinations_at + i].id)) return false;
        return true;
    }

    bool unknown(std::string_view text, std::size_t number) {
        if (text.find_first_not_of(" \t") == std::string_view::npos) return true;
        PageSample sample;
        const auto first = text.find_first_not_of(" \t");
        if (cache_.format_ == PageFormat::prometheus_text && text[first] == '#') return comment(text, number);
        if (!reader_.sample(text, sample)) {
            PageProblem found = reader_.problem();
            found.line = number;
            return problem(std::move(found));
        }
        ++cache_.misses_;
        sample.line = number;
        sample.family = page_detail::family_of(sample.name, family_, type_);
        sample.type = sample.family.empty() ? MetricType::unknown : type_;
        const std::uint64_t hash = XXH3_64bits(sample.series.data(), sample.series.size());
        if (const std::uint32_t found = find(hash, sample.series.size()); found != none) {
            // Out of order: go on from there. Forgotten by the store: ask again, in place.
            next_ = found + 1;
            if (!destinations_live(cache_.entries_[found])) ask(cache_.entries_[found], sample);
            emit(cache_.entries_[found], sample.value);
            return true;
        }
        Entry entry;
        entry.hash = hash;
        entry.length = static_cast<std::uint16_t>(std::min<std::size_t>(sample.series.size(), 0xffff));
        ask(entry, sample);
        ++new_series_;
        cache_.entries_.push_back(entry);
        emit(cache_.entries_.back(), sample.value);
        insert(static_cast<std::uint32_t>(cache_.entries_.size() - 1));
        return true;
    }

    void ask(Entry& entry, const PageSample& sample) {
        found_.clear();
        resolve_(sample, found_);
        constexpr std::size_t destinations_max = 64;
        found_.resize(std::min(found_.size(), destinations_max));
        entry.destinations_at = static_cast<std::uint32_t>(cache_.destinations_.size());
        entry.destinations = static_cast<std::uint16_t>(found_.size());
        cache_.destinations_.insert(cache_.destinations_.end(), found_.begin(), found_.end());
    }

    void emit(Entry& entry, double value) {
        entry.page = cache_.page_;
        entry.order = static_cast<std::uint32_t>(summary_.samples);
        ++summary_.samples;
        for (std::size_t i = 0; i < entry.destinations; ++i) {
            const auto& destination = cache_.destinations_[entry.destinations_at + i];
            batch_.samples.emplace_back(destination.id, value * destination.scale);
        }
    }

    static constexpr std::uint32_t none = 0xffffffff;
    [[nodiscard]] std::uint32_t find(std::uint64_t hash, std::size_t length) const {
        const auto& table = cache_.table_;
        if (table.empty()) return none;
        for (std::size_t at = hash & (table.size() - 1); table[at] != 0; at = (at + 1) & (table.size() - 1)) {
            const Entry& entry = cache_.entries_[table[at] - 1];
            if (entry.hash == hash && entry.length == length) return table[at] - 1;
        }
        return none;
    }

    void insert(std::uint32_t index) {
        if (cache_.entries_.size() * 2 > cache_.table_.size()) return cache_.rebuild_table();
        auto& table = cache_.table_;
        std::size_t at = cache_.entries_[index].hash & (table.size() - 1);
        while (table[at] != 0) at = (at + 1) & (table.size() - 1);
        table[at] = index + 1;
    }

    bool comment(std::string_view text, std::size_t number) {
        // Only TYPE and EOF matter here, and TYPE only to new series; HELP is most of the comments.
        if (text.starts_with("# HELP ")) return true;
        Comment comment;
        if (!reader_.comment(text, comment)) {
            PageProblem found = reader_.problem();
            found.line = number;
            return problem(std::move(found));
        }
        if (comment.kind == Comment::Kind::eof) eof_ = true;
        if (comment.kind == Comment::Kind::type) {
            family_ = comment.family;
            type_ = comment.type;
        }
        return true;
    }

    bool problem(PageProblem found) {
        ++summary_.problems;
        if (!summary_.first_problem) summary_.first_problem = std::move(found);
        return true;
    }

    PageCache& cache_;
    const SeriesStore& store_;
    const Resolve& resolve_;
    ScrapeBatch& batch_;
    LineReader reader_;
    PageSummary summary_;
    std::size_t next_ = 0;  // Entry that is expected now.
    std::size_t new_series_ = 0;
    std::vector<Destination> found_;
    std::string family_;
    MetricType type_ = MetricType::unknown;
    bool eof_ = false;
};

PageSummary PageCache::read(std::string_view page, const SeriesStore& store, const Resolve& resolve,
                            ScrapeBatch& batch) {
    ++page_;
    batch.samples.reserve(batch.samples.size() + entries_.size());
    Pass pass(*this, store, resolve, batch);
    PageSummary summary = pass.run(page);
    if (!summary.complete()) {
        batch.outcome = summary.samples == 0 ? ScrapeOutcome::failed : ScrapeOutcome::partial;
        batch.error = summary.problems == 1
                          ? summary.first_problem->text()
                          : fmt::format("{} ({} such lines)", summary.first_problem->text(), summary.problems);
    }
    if (pass.new_series() > 0) sort_as_seen();
    if (pass.new_series() > 0 || entries_.size() > 2 * summary.samples + 64) drop_unseen();
    return summary;
}

// New series were found anywhere on the page: put them where the next page will have them.
void PageCache::sort_as_seen() {
    std::ranges::sort(entries_, [](const Entry& a, const Entry& b) {
        return a.page != b.page ? a.page > b.page : a.order < b.order;
    });
    rebuild_table();
}

void PageCache::clear() {
    entries_ = {};
    destinations_ = {};
    table_ = {};
}

void PageCache::rebuild_table() {
    std::size_t size = 64;
    while (size < entries_.size() * 2 + 2) size *= 2;
    table_.assign(size, 0);
    for (std::uint32_t i = 0; i < entries_.size(); ++i) {
        std::size_t at = entries_[i].hash & (size - 1);
        while (table_[at] != 0) at = (at + 1) & (size - 1);
        table_[at] = i + 1;
    }
}

// Series come and go (topics, consumers): what the last pages did not carry goes, once it is as much as what stays.
void PageCache::drop_unseen() {
    constexpr std::uint32_t pages_kept = 16;
    const auto old = [&](const Entry& entry) { return page_ - entry.page > pages_kept; };
    if (2 * static_cast<std::size_t>(std::ranges::count_if(entries_, old)) <= entries_.size() &&
        destinations_.size() <= 2 * entries_.size() + 1024)
        return;
    std::erase_if(entries_, old);
    std::vector<Destination> kept;
    for (auto& entry : entries_) {
        const auto from = destinations_.begin() + entry.destinations_at;
        entry.destinations_at = static_cast<std::uint32_t>(kept.size());
        kept.insert(kept.end(), from, from + entry.destinations);
    }
    destinations_ = std::move(kept);
    entries_.shrink_to_fit();
    rebuild_table();
}

}  // namespace medic
