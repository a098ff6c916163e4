#include "agent/collectors/prometheus/canonical.h"

#include <algorithm>

#include "agent/base/yaml.h"

namespace medic {

namespace embedded {
std::span<const EmbeddedFile> canonical();
}

namespace {

std::string_view label_of(const PageSample& sample, std::string_view name) {
    for (const auto& [label, value] : sample.labels)
        if (label == name) return value;
    return {};
}

std::string_view owner_label(const PageOwner& owner, std::string_view name) {
    if (name == "cluster") return owner.cluster;
    if (name == "node") return owner.node;
    if (name == "role") return owner.role;
    if (name == "broker") return owner.broker;
    if (name == "worker") return owner.worker;
    return {};
}

}  // namespace

Result<CanonicalNames> CanonicalNames::load(std::span<const EmbeddedFile> files) {
    CanonicalNames names;
    for (const EmbeddedFile& file : files) {
        MEDIC_TRY(const YamlNode document, load_yaml(file.text, file.path));
        MEDIC_CHECK(document.expect_list("a list of series"));
        for (const YamlNode& entry : document.items()) {
            MEDIC_CHECK(entry.expect_map("a series"));
            MEDIC_CHECK(entry.expect_keys(
                {"name", "unit", "labels", "meaning", "from", "absence", "traps", "told_by", "since"}));
            CanonicalSeries series;
            MEDIC_TRY(series.name, entry.get("name").as_string());
            MEDIC_TRY(series.unit, entry.get("unit").as_string());
            MEDIC_TRY(series.meaning, entry.get("meaning").as_string());
            MEDIC_TRY(series.labels, entry.get("labels").as_strings());
            MEDIC_TRY(series.since, entry.string_or("since", ""));
            const std::string first_word = series.name.substr(0, series.name.find('_'));
            MEDIC_TRY(series.told_by, entry.string_or("told_by", entry.get("from") ? "" : first_word));
            if (names.find(series.name) != nullptr) return entry.error("series `" + series.name + "` is there twice");
            for (const YamlNode& from : entry.get("from").items()) {
                MEDIC_CHECK(from.expect_map("a source"));
                MEDIC_CHECK(from.expect_keys(
                    {"page", "where", "with", "without", "labels", "scale", "merge", "unless", "mbean", "attribute"}));
                Source source;
                source.series = names.series_.size();
                MEDIC_TRY(const std::string page, from.get("page").as_string());
                for (const auto& [label, value] : from.get("where").entries())
                    source.where.emplace_back(label, value.text());
                for (const YamlNode& label : from.get("with").items()) source.with.push_back(label.text());
                for (const YamlNode& label : from.get("without").items()) source.without.push_back(label.text());
                for (const auto& [label, value] : from.get("labels").entries()) source.labels[label] = value.text();
                MEDIC_TRY(source.scale, from.double_or("scale", 1));
                MEDIC_TRY(const std::string merge, from.string_or("merge", ""));
                if (!merge.empty() && merge != "sum") return from.get("merge").error("expected sum");
                source.sum = merge == "sum";
                MEDIC_TRY(source.unless, from.string_or("unless", ""));
                PageOrigin origin{page, {}, {}};
                MEDIC_TRY(origin.mbean, from.string_or("mbean", ""));
                MEDIC_TRY(origin.attribute, from.string_or("attribute", ""));
                if (origin.mbean.empty() != origin.attribute.empty())
                    return from.error("mbean and attribute go together");
                series.pages.push_back(std::move(origin));
                if (!source.unless.empty()) series.told_by = source.unless;
                names.by_page_[page].push_back(std::move(source));
            }
            names.series_.push_back(std::move(series));
        }
    }
    return names;
}

const CanonicalNames& CanonicalNames::built_in() {
    // The files are part of the program and a test loads them: an error here can't happen to a user.
    static const CanonicalNames names = load(embedded::canonical()).value();
    return names;
}

std::vector<std::string> CanonicalNames::page_names() const {
    std::vector<std::string> names;
    for (const auto& [name, sources] : by_page_) names.push_back(name);
    return names;
}

const CanonicalSeries* CanonicalNames::find(std::string_view name) const {
    const auto found = std::ranges::find(series_, name, &CanonicalSeries::name);
    return found == series_.end() ? nullptr : &*found;
}

bool CanonicalNames::applies(const Source& source, const PageSample& sample, const PageOwner& owner) const {
    if (!source.unless.empty() && owner.watched.contains(source.unless)) return false;
    const auto has = [&](const std::string& label) { return !label_of(sample, label).empty(); };
    return std::ranges::all_of(source.where,
                               [&](const auto& pair) { return label_of(sample, pair.first) == pair.second; }) &&
           std::ranges::all_of(source.with, has) && std::ranges::none_of(source.without, has);
}

std::optional<Labels> CanonicalNames::labels_of(const Source& source, const PageSample& sample,
                                                const PageOwner& owner) const {
    const CanonicalSeries& series = series_[source.series];
    std::vector<LabelPair> pairs;
    for (const std::string& label : series.labels) {
        const auto renamed = source.labels.find(label);
        std::string_view value = owner_label(owner, label);
        if (value.empty())
            value = label_of(sample, renamed != source.labels.end() ? std::string_view(renamed->second) : label);
        if (value.empty()) return std::nullopt;
        pairs.emplace_back(label, value);
    }
    return Labels(series.name, std::move(pairs));
}

std::vector<CanonicalNames::Match> CanonicalNames::matches(const PageSample& sample, const PageOwner& owner) const {
    std::vector<Match> found;
    const auto sources = by_page_.find(sample.name);
    if (sources == by_page_.end()) return found;
    for (const Source& source : sources->second) {
        if (!applies(source, sample, owner)) continue;
        if (auto labels = labels_of(source, sample, owner))
            found.push_back({*std::move(labels), source.scale, source.sum});
    }
    return found;
}

bool CanonicalNames::lacks_owner(const PageSample& sample, const PageOwner& owner) const {
    const auto sources = by_page_.find(sample.name);
    if (sources == by_page_.end()) return false;
    return std::ranges::any_of(sources->second, [&](const Source& source) {
        return applies(source, sample, owner) && !labels_of(source, sample, owner);
    });
}

}  // namespace medic
