#include "agent/collectors/page/family_check_internal.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <span>

namespace medic::page_detail {
namespace {

std::span<const std::string_view> suffixes(MetricType type) {
    static constexpr std::array<std::string_view, 1> plain{""};
    static constexpr std::array<std::string_view, 2> counter{"_total", "_created"};
    static constexpr std::array<std::string_view, 4> histogram{"_bucket", "_count", "_sum", "_created"};
    static constexpr std::array<std::string_view, 3> gauge_histogram{"_bucket", "_gcount", "_gsum"};
    static constexpr std::array<std::string_view, 4> summary{"", "_count", "_sum", "_created"};
    static constexpr std::array<std::string_view, 1> info{"_info"};
    switch (type) {
        case MetricType::counter: return counter;
        case MetricType::histogram: return histogram;
        case MetricType::gauge_histogram: return gauge_histogram;
        case MetricType::summary: return summary;
        case MetricType::info: return info;
        default: return plain;
    }
}

bool is_histogram(MetricType type) { return type == MetricType::histogram || type == MetricType::gauge_histogram; }

std::string_view label(const PageSample& sample, std::string_view name) {
    for (const auto& [key, value] : sample.labels)
        if (key == name) return value;
    return {};
}

// A bound or a quantile: a number, or +Inf written so.
std::optional<double> number(std::string_view text) {
    if (text == "+Inf") return std::numeric_limits<double>::infinity();
    double value = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool digits = !text.empty() && text.find_first_not_of("0123456789+-.eE") == std::string_view::npos;
    return digits && code == std::errc{} && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

}  // namespace

FamilyCheck::Problem FamilyCheck::comment(const Comment& comment) {
    if (comment.kind == Comment::Kind::eof || comment.kind == Comment::Kind::none) return std::nullopt;
    if (comment.family != family_) {
        if (auto problem = enter(comment.family)) return problem;
    } else if (has_samples_) {
        return fmt::format("expected metadata of {} before its samples", family_);
    }
    bool& seen = comment.kind == Comment::Kind::type   ? typed_
                 : comment.kind == Comment::Kind::help ? helped_
                                                       : has_unit_;
    if (seen) return fmt::format("expected TYPE, HELP and UNIT of {} only once", family_);
    seen = true;
    if (comment.kind == Comment::Kind::unit) unit_ = comment.text;
    if (!unit_.empty() && !family_.ends_with("_" + unit_))
        return fmt::format("expected the name {} to end with its unit, _{}", family_, unit_);
    if (comment.kind == Comment::Kind::type) {
        type_ = comment.type;
        if (auto problem = reserve(type_)) return problem;
    }
    if (!unit_.empty() && (type_ == MetricType::info || type_ == MetricType::state_set))
        return fmt::format("expected no unit for the {} {}", to_string(type_), family_);
    return std::nullopt;
}

FamilyCheck::Problem FamilyCheck::enter(std::string_view family) {
    auto problem = finish_group();
    if (!family_.empty() && !typed_) names_.insert(family_);
    family_ = family;
    type_ = MetricType::unknown;
    typed_ = helped_ = has_unit_ = has_samples_ = false;
    unit_.clear();
    groups_.clear();
    if (!problem && names_.contains(family_))
        problem = fmt::format("the name {} is taken by an earlier family: expected its lines together", family_);
    return problem;
}

// Samples of two families must not have the same names.
FamilyCheck::Problem FamilyCheck::reserve(MetricType type) {
    Problem problem;
    for (const auto suffix : suffixes(type)) {
        std::string name = family_ + std::string(suffix);
        if (!names_.insert(name).second) problem = fmt::format("the name {} is taken by an earlier family", name);
    }
    names_.insert(family_);
    return problem;
}

FamilyCheck::Problem FamilyCheck::sample(const PageSample& sample) {
    const auto fits = [&](std::string_view suffix) {
        return sample.name.size() == family_.size() + suffix.size() && sample.name.starts_with(family_) &&
               sample.name.ends_with(suffix);
    };
    const auto known = suffixes(type_);
    auto suffix = family_.empty() ? known.end() : std::ranges::find_if(known, fits);
    if (suffix == known.end()) {
        if (!family_.empty() && sample.name == family_)
            return fmt::format("expected {} behind the name of the {} {}", fmt::join(known, " or "), to_string(type_),
                               family_);
        if (auto problem = enter(sample.name)) return problem;
        suffix = suffixes(type_).begin();
    }
    has_samples_ = true;
    for (const auto check : {&FamilyCheck::labels_and_exemplar, &FamilyCheck::value, &FamilyCheck::enter_group})
        if (auto problem = (this->*check)(sample, *suffix)) return problem;
    return is_histogram(type_) ? histogram(sample, *suffix) : std::nullopt;
}

FamilyCheck::Problem FamilyCheck::labels_and_exemplar(const PageSample& sample, std::string_view suffix) {
    const bool counts = (type_ == MetricType::counter && suffix == "_total") || suffix == "_bucket";
    if (!sample.exemplar.empty() && !counts) return "expected no exemplar here: only _total and _bucket carry one";
    if (suffix == "_bucket" && !number(label(sample, "le")))
        return fmt::format("expected a label le with a number or +Inf, found \"{}\"", label(sample, "le"));
    if (type_ == MetricType::summary && suffix.empty()) {
        const auto quantile = number(label(sample, "quantile"));
        if (!quantile || !(*quantile >= 0 && *quantile <= 1))
            return fmt::format("expected a label quantile from 0 to 1, found \"{}\"", label(sample, "quantile"));
    }
    if (type_ == MetricType::state_set &&
        std::ranges::none_of(sample.labels, [&](const PageLabel& each) { return each.first == family_; }))
        return fmt::format("expected a label {} with the state's name", family_);
    return std::nullopt;
}

FamilyCheck::Problem FamilyCheck::value(const PageSample& sample, std::string_view suffix) {
    const double value = sample.value;
    const bool signed_sum = suffix == "_gsum";  // Negative where a bucket's bound is: see finish_group().
    const bool sums = type_ == MetricType::counter || is_histogram(type_) || type_ == MetricType::summary;
    if (suffix == "_created") return std::nullopt;
    if (sums && !(type_ == MetricType::summary && suffix.empty()) && (std::isnan(value) || (value < 0 && !signed_sum)))
        return fmt::format("expected a value of 0 or more for {}, found {}", sample.name, value);
    if (type_ == MetricType::summary && suffix.empty() && value < 0)
        return fmt::format("expected a quantile's value of 0 or more, found {}", value);
    if (type_ == MetricType::info && value != 1)
        return fmt::format("expected the value 1 for an info, found {}", value);
    if (type_ == MetricType::state_set && value != 0 && value != 1)
        return fmt::format("expected 0 or 1 for a state, found {}", value);
    return std::nullopt;
}

FamilyCheck::Problem FamilyCheck::enter_group(const PageSample& sample, std::string_view suffix) {
    const std::string_view own = suffix == "_bucket"                              ? "le"
                                 : type_ == MetricType::summary && suffix.empty() ? "quantile"
                                 : type_ == MetricType::state_set                 ? std::string_view(family_)
                                                                                  : std::string_view();
    std::vector<PageLabel> others;
    std::ranges::copy_if(sample.labels, std::back_inserter(others),
                         [&](const PageLabel& each) { return each.first != own; });
    std::ranges::sort(others);
    std::string key;
    for (const auto& [name, text] : others) ((key += name) += '\0') += fmt::format("{}:{}", text.size(), text);
    if (group_.open && key == group_.key) return repeated(sample);
    if (auto problem = finish_group()) return problem;
    group_ = {};
    group_.open = true;
    group_.key = std::move(key);
    group_.last_series = sample.series;
    group_.timestamp_s = sample.timestamp_s;
    if (groups_.contains(group_.key))
        return fmt::format("expected the samples of {} with the same labels together", family_);
    return std::nullopt;
}

// One more sample of the group: of the same point or of a later one.
FamilyCheck::Problem FamilyCheck::repeated(const PageSample& sample) {
    const bool same = group_.last_series == sample.series;
    const auto before = std::exchange(group_.timestamp_s, sample.timestamp_s);
    group_.last_series = sample.series;
    if (same && (!before || !sample.timestamp_s))
        return fmt::format("{} is given twice: expected time stamps on both", sample.series);
    if (before.has_value() != sample.timestamp_s.has_value())
        return fmt::format("expected time stamps on all samples of {} with the same labels, or on none", family_);
    if (before && *sample.timestamp_s < *before && type_ != MetricType::info)
        return fmt::format("expected time stamps of {} that rise", sample.series);
    return before == sample.timestamp_s ? std::nullopt : finish_point();
}

FamilyCheck::Problem FamilyCheck::bucket(const PageSample& sample) {
    const double bound = *number(label(sample, "le"));
    if (group_.point.last_bound && bound <= *group_.point.last_bound) return "expected buckets by rising le";
    if (group_.point.last_bucket && sample.value < *group_.point.last_bucket)
        return fmt::format("expected a bucket that counts at least as much as the one before it, found {}",
                           sample.value);
    group_.point.last_bound = bound;
    group_.point.last_bucket = sample.value;
    group_.point.infinite = group_.point.infinite || std::isinf(bound);
    group_.point.negative = group_.point.negative || bound < 0;
    return std::nullopt;
}

FamilyCheck::Problem FamilyCheck::histogram(const PageSample& sample, std::string_view suffix) {
    if (suffix == "_bucket") return bucket(sample);
    if (suffix.ends_with("count")) {
        group_.point.count = true;
        group_.point.count_value = sample.value;
    } else if (suffix.ends_with("sum")) {
        group_.point.sum = true;
        group_.point.sum_value = sample.value;
    }
    return std::nullopt;
}

FamilyCheck::Problem FamilyCheck::finish_group() {
    if (!group_.open) return std::nullopt;
    group_.open = false;
    groups_.insert(group_.key);
    return finish_point();
}

FamilyCheck::Problem FamilyCheck::finish_point() {
    if (!is_histogram(type_)) return std::nullopt;
    const Point point = std::exchange(group_.point, {});
    if (!point.infinite)
        return fmt::format("expected a bucket with le=\"+Inf\" in the histogram {} before this", family_);
    if (point.count != point.sum) return fmt::format("expected count and sum of {} together, before this", family_);
    if (point.count && point.count_value != *point.last_bucket)
        return fmt::format("expected the count of {} to be that of its bucket +Inf, before this", family_);
    // A sum that can fall is no counter; and without negative observations it is not negative.
    if (type_ == MetricType::histogram && point.negative && point.sum)
        return fmt::format("expected no sum of {}, which has a negative bucket, before this", family_);
    if (type_ == MetricType::gauge_histogram && !point.negative && point.sum && point.sum_value < 0)
        return fmt::format("expected a sum of {} of 0 or more, as no bucket is negative, before this", family_);
    return std::nullopt;
}

}  // namespace medic::page_detail
