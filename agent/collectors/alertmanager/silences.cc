#include "agent/collectors/alertmanager/silences.h"

#include <algorithm>
#include <ctime>
#include <utility>

#include "agent/base/redact.h"
#include "agent/collectors/json_internal.h"
#include "agent/collectors/logs/record.h"

namespace medic {

using namespace json_read;

namespace {

// People write it, and it is shown to others.
std::string one_line(std::string text) {
    constexpr std::size_t bytes_max = 300;
    std::ranges::replace(text, '\n', ' ');
    return redact(clean_line(text).value_or(""), bytes_max);
}

// RFC 3339 with a Z or an offset: "2026-11-28T16:00:00.000Z".
std::optional<WallTime> time_of(const std::string& text) {
    std::tm parts = {};
    const char* rest = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
    if (rest == nullptr) return std::nullopt;
    std::int64_t seconds = timegm(&parts);
    if (*rest == '.') do
            ++rest;
        while (*rest >= '0' && *rest <= '9');
    if (*rest == '+' || *rest == '-') {
        std::tm offset = {};
        if (strptime(rest + 1, "%H:%M", &offset) == nullptr) return std::nullopt;
        const std::int64_t ahead = (offset.tm_hour * 60 + offset.tm_min) * 60;
        seconds += *rest == '+' ? -ahead : ahead;
    } else if (*rest != 'Z') {
        return std::nullopt;
    }
    return WallTime{seconds * 1000};
}

std::vector<LabelMatcher> matchers_of(const Json& silence) {
    using Op = LabelMatcher::Op;
    std::vector<LabelMatcher> all;
    for (const Json& one : array(silence, "matchers")) {
        // Before 0.22 there were no negative ones, and no isEqual.
        const bool regex = boolean(one, "isRegex").value_or(false), equal = boolean(one, "isEqual").value_or(true);
        const Op op = equal ? (regex ? Op::matches : Op::equal) : (regex ? Op::not_matches : Op::not_equal);
        all.push_back({text(one, "name"), op, text(one, "value")});
    }
    return all;
}

std::string state_of(const Json& entry) {
    const Json* status = member(entry, "status");
    return status == nullptr ? std::string() : text(*status, "state");
}

// An alert that is inhibited: whoever has these labels is.
std::optional<Silence> inhibition(const Json& alert) {
    const Json* status = member(alert, "status");
    const Json* labels = member(alert, "labels");
    if (status == nullptr || labels == nullptr || array(*status, "inhibitedBy").empty()) return std::nullopt;
    const Json& by = array(*status, "inhibitedBy").front();
    Silence held{.kind = Silence::Kind::inhibition,
                 .id = text(alert, "fingerprint"),
                 .by = "alert " + (by.is_string() ? one_line(by.get<std::string>()) : std::string("?")),
                 .comment = one_line(text(*labels, "alertname")),
                 .since = time_of(text(alert, "startsAt")).value_or(WallTime{}),
                 .until = std::nullopt,
                 .matchers = {}};
    for (const auto& [name, value] : labels->items())
        if (value.is_string()) held.matchers.push_back({name, LabelMatcher::Op::equal, value.get<std::string>()});
    return held;
}

}  // namespace

struct SilenceCollector::Look {
    Observation observation;
    std::vector<Silence> found;
    int told = 0;
};

SilenceCollector::SilenceCollector(SilenceCollectorOptions options) : options_(std::move(options)) {}
SilenceCollector::~SilenceCollector() = default;

std::vector<HttpAsk> SilenceCollector::begin(WallTime at) {
    look_ = std::make_unique<Look>();
    look_->observation.target = options_.target;
    look_->observation.at = at;
    return {{.url = options_.url + "/api/v2/silences", .purpose = "silences"},
            {.url = options_.url + "/api/v2/alerts?active=false&silenced=false&unprocessed=false&inhibited=true",
             .purpose = "alerts"}};
}

std::vector<HttpAsk> SilenceCollector::answer(const HttpAsk& ask, const Result<HttpAnswer>& answer) {
    if (look_ == nullptr) return {};
    const auto parsed = document(answer);
    if (!parsed || !parsed->is_array()) {
        look_->observation.lacks(ask.purpose + ": " + (parsed ? "expected a list" : parsed.error().message));
        return {};
    }
    ++look_->told;
    for (const Json& entry : *parsed) {
        if (ask.purpose == "alerts") {
            if (auto held = inhibition(entry)) look_->found.push_back(*std::move(held));
            continue;
        }
        // Those that ended days ago are listed too.
        if (state_of(entry) != "active") continue;
        look_->found.push_back({.kind = Silence::Kind::silence,
                                .id = text(entry, "id"),
                                .by = one_line(text(entry, "createdBy")),
                                .comment = one_line(text(entry, "comment")),
                                .since = time_of(text(entry, "startsAt")).value_or(WallTime{}),
                                .until = time_of(text(entry, "endsAt")),
                                .matchers = matchers_of(entry)});
    }
    return {};
}

Observation SilenceCollector::finish() {
    Observation done = std::move(look_->observation);
    constexpr int answers = 2;
    if (look_->found.size() > options_.silences_max)
        done.lacks("more than " + std::to_string(options_.silences_max) + " active silences");
    else if (look_->told == answers)
        done.silences = std::move(look_->found);
    look_.reset();
    return done;
}

}  // namespace medic
