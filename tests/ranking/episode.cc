#include "tests/ranking/episode.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <sstream>

#include "agent/api/json_internal.h"
#include "agent/bundle/archive.h"

namespace medic::ranking_test {
namespace {

constexpr int format = 1;
constexpr const char* inner_name = "episode.jsonl";

// NaN and infinities have no place in JSON.
Json number(double value) {
    if (std::isfinite(value)) {
        constexpr double exact_max = 9e15;
        if (std::floor(value) == value && std::abs(value) < exact_max) return static_cast<std::int64_t>(value);
        return std::stod(fmt::format("{:.6g}", value));  // As exact as any rule needs.
    }
    return std::isnan(value) ? Json("nan") : Json(value > 0 ? "inf" : "-inf");
}

double number_of(const Json& value) {
    if (value.is_number()) return value.get<double>();
    if (value == "inf") return std::numeric_limits<double>::infinity();
    if (value == "-inf") return -std::numeric_limits<double>::infinity();
    return std::numeric_limits<double>::quiet_NaN();
}

Json relation_of(const Relation& one) { return {to_string(one.from), one.kind, to_string(one.to)}; }

// What a target said last, as its next look is written against it.
struct Before {
    std::map<std::size_t, double> samples;
    Json relations = Json::array(), attributes = Json::array(), under_way = Json::array();
};

class Writer {
public:
    explicit Writer(const Episode& episode) : episode_(episode), begin_(episode.begins().unix_ms) {}

    std::string text() {
        Json head = {{"format", format},
                     {"name", episode_.name},
                     {"fault", episode_.fault},
                     {"masking", episode_.masking},
                     {"config", episode_.config},
                     {"begins", begin_},
                     {"fault_at", episode_.fault_at.unix_ms - begin_}};
        for (const Truth& one : episode_.truths) {
            Json truth = {{"causes", one.causes}, {"subject", one.subject}, {"side", one.side}};
            if (one.passing) truth["passing"] = true;
            head["truths"].push_back(std::move(truth));
        }
        for (const auto& [name, target] : episode_.targets)
            head["targets"][name] = {target.cluster, target.interval.count()};
        out_ += dump(head);
        for (const Labels& labels : episode_.series) add_series(labels);
        for (const Look& look : episode_.looks) add(look);
        return std::move(out_);
    }

private:
    void add_series(const Labels& labels) {
        Json pairs = Json::object();
        for (const auto& [name, value] : labels.pairs()) pairs[name] = value;
        out_ += dump({{"s", pairs}});
    }

    void add(const Look& look) {
        const Observation& told = look.told;
        Before& before = before_[told.target];
        std::map<std::size_t, double> samples(look.samples.begin(), look.samples.end());
        Json line = {{"t", told.target}, {"a", told.at.unix_ms - begin_}, {"h", look.heard.unix_ms - begin_}};
        if (told.outcome != ScrapeOutcome::complete) line["o"] = told.outcome == ScrapeOutcome::partial ? 1 : 2;
        if (!told.error.empty()) line["e"] = told.error;
        for (const auto& [id, value] : samples) {
            const auto known = before.samples.find(id);
            const bool same = known != before.samples.end() &&
                              (known->second == value || (std::isnan(known->second) && std::isnan(value)));
            if (!same) line["v"].push_back({id, number(value)});
        }
        for (const auto& [id, value] : before.samples)
            if (!samples.contains(id)) line["g"].push_back(id);
        before.samples = std::move(samples);
        for (const Event& event : told.events)
            line["x"].push_back({{"at", event.at.unix_ms - begin_},
                                 {"subject", to_string(event.subject)},
                                 {"kind", event.kind},
                                 {"text", event.text},
                                 {"fields", event.fields},
                                 {"id", event.id}});
        add_topology(told, before, line);
        out_ += dump(line);
    }

    static void add_topology(const Observation& told, Before& before, Json& line) {
        Json relations = Json::array(), attributes = Json::array(), under_way = Json::array();
        for (const Relation& one : told.relations) relations.push_back(relation_of(one));
        for (const auto& [subject, values] : told.attributes) attributes.push_back({to_string(subject), values});
        for (const WorkUnderWay& one : told.under_way) under_way.push_back({to_string(one.subject), one.kind, one.by});
        const auto add = [&](const char* key, Json now, Json& then) {
            if (now != then) line[key] = now;
            then = std::move(now);
        };
        add("r", std::move(relations), before.relations);
        add("k", std::move(attributes), before.attributes);
        add("w", std::move(under_way), before.under_way);
    }

    const Episode& episode_;
    const std::int64_t begin_;
    std::string out_;
    std::map<std::string, Before> before_;
};

class Reader {
public:
    Result<Episode> read(const std::string& text) {
        std::istringstream in(text);
        std::string line;
        std::getline(in, line);
        const Json head = Json::parse(line, nullptr, false);
        if (!head.is_object() || head.value("format", 0) != format)
            return fail(ErrorCode::invalid, "no episode of format {}", format);
        read_head(head);
        while (std::getline(in, line)) {
            const Json one = Json::parse(line, nullptr, false);
            if (!one.is_object()) return fail(ErrorCode::invalid, "a line is no JSON object");
            if (one.contains("s"))
                add_series(one["s"]);
            else
                add_look(one);
        }
        if (episode_.looks.empty()) return fail(ErrorCode::invalid, "an episode without looks");
        return std::move(episode_);
    }

private:
    void read_head(const Json& head) {
        begin_ = head.at("begins").get<std::int64_t>();
        episode_.name = text_of(head, "name");
        episode_.fault = text_of(head, "fault");
        episode_.masking = text_of(head, "masking");
        episode_.config = text_of(head, "config");
        episode_.fault_at = {begin_ + head.at("fault_at").get<std::int64_t>()};
        for (const Json& one : head.at("truths"))
            episode_.truths.push_back({one.at("causes").get<std::vector<std::string>>(), text_of(one, "subject"),
                                       text_of(one, "side"), one.value("passing", false)});
        for (const auto& [name, target] : head.at("targets").items())
            episode_.targets[name] = {target.at(0).get<std::string>(), Duration{target.at(1).get<std::int64_t>()}};
    }

    void add_series(const Json& pairs) {
        std::vector<LabelPair> labels;
        for (const auto& [name, value] : pairs.items()) labels.emplace_back(name, value.get<std::string>());
        episode_.series.emplace_back("", std::move(labels));
    }

    void add_look(const Json& line) {
        Look look;
        Observation& told = look.told;
        told.target = text_of(line, "t");
        told.at = {begin_ + line.at("a").get<std::int64_t>()};
        look.heard = {begin_ + line.at("h").get<std::int64_t>()};
        told.outcome = static_cast<ScrapeOutcome>(line.value("o", 0));
        told.error = text_of(line, "e");
        Before& before = before_[told.target];
        if (line.contains("v"))
            for (const Json& one : line["v"]) before.samples[one.at(0).get<std::size_t>()] = number_of(one.at(1));
        if (line.contains("g"))
            for (const Json& one : line["g"]) before.samples.erase(one.get<std::size_t>());
        look.samples.assign(before.samples.begin(), before.samples.end());
        if (line.contains("x"))
            for (const Json& one : line["x"])
                told.events.push_back({.at = {begin_ + one.at("at").get<std::int64_t>()},
                                       .subject = subject_of(text_of(one, "subject")),
                                       .kind = text_of(one, "kind"),
                                       .text = text_of(one, "text"),
                                       .fields = texts_of(one, "fields"),
                                       .id = text_of(one, "id")});
        if (line.contains("r")) before.relations = line["r"];
        if (line.contains("k")) before.attributes = line["k"];
        if (line.contains("w")) before.under_way = line["w"];
        for (const Json& one : before.relations)
            told.relations.push_back({subject_of(one.at(0).get<std::string>()), one.at(1).get<std::string>(),
                                      subject_of(one.at(2).get<std::string>())});
        for (const Json& one : before.attributes)
            told.attributes[subject_of(one.at(0).get<std::string>())] =
                one.at(1).get<std::map<std::string, std::string>>();
        for (const Json& one : before.under_way)
            told.under_way.push_back(
                {subject_of(one.at(0).get<std::string>()), one.at(1).get<std::string>(), one.at(2).get<std::string>()});
        episode_.looks.push_back(std::move(look));
    }

    Episode episode_;
    std::int64_t begin_ = 0;
    std::map<std::string, Before> before_;
};

}  // namespace

void Episode::add(WallTime heard, Observation told) {
    Look look{.heard = heard, .told = std::move(told), .samples = {}};
    for (auto& [labels, value] : std::exchange(look.told.samples, {})) {
        const auto [found, is_new] = index_.try_emplace(labels, series.size());
        if (is_new) series.push_back(std::move(labels));
        look.samples.emplace_back(found->second, value);
    }
    looks.push_back(std::move(look));
}

Status write_episode(const std::string& path, const Episode& episode, const Replacements& replacements) {
    if (episode.looks.empty()) return fail(ErrorCode::invalid, "{}: nothing was seen", episode.name);
    std::string text = Writer(episode).text();
    for (const auto& [from, to] : replacements)
        for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
            text.replace(at, from.size(), to);
    return bundle::write_archive(path, {{inner_name, std::move(text)}}, episode.ends());
}

Result<Episode> read_episode(const std::string& path) {
    MEDIC_TRY(const auto files, bundle::read_archive(path));
    const auto found = std::ranges::find(files, inner_name, &bundle::File::name);
    if (found == files.end()) return fail(ErrorCode::invalid, "{}: holds no {}", path, inner_name);
    auto episode = Reader().read(found->text);
    if (!episode) return wrap(episode.error(), path);
    return episode;
}

Result<std::vector<Episode>> read_episodes(const std::string& folder) {
    std::vector<std::string> paths;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(folder, error))
        if (entry.path().extension() == ".episode") paths.push_back(entry.path().string());
    if (error) return fail(ErrorCode::unavailable, "{}: {}", folder, error.message());
    std::ranges::sort(paths);
    std::vector<Episode> episodes;
    for (const std::string& path : paths) {
        MEDIC_TRY(auto one, read_episode(path));
        episodes.push_back(std::move(one));
    }
    return episodes;
}

}  // namespace medic::ranking_test
