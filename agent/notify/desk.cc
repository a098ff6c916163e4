#include "agent/notify/desk.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <set>

#include "remediations/guards/policy.h"

namespace medic {
namespace {

// What a receiver that must no longer care was told last.
constexpr const char* handed_over_mark = "handed-over";

// One incident, as one receiver knows it.
struct Line {
    DeliveryRow row;
    std::optional<Instant> news_since;  // It stands otherwise than was told, since.
    std::string news_of;                // How it stood when a refusal was last counted.
    std::optional<Instant> not_before;  // Refused: not tried again before.
    int refusals = 0;
    [[nodiscard]] bool told_anything() const { return !row.told.empty() && row.told != handed_over_mark; }
};

struct Case {
    std::shared_ptr<const Incident> incident;
    Standing standing;
};

struct Notice {
    std::string text, key;
    WallTime at;
};

struct Seat {  // One receiver.
    DeskReceiver receiver;
    std::map<std::string, Line> lines;  // By incident.
    std::deque<Notice> notices;
    std::uint64_t under_way = 0;  // The dispatch that has left; 0: none.
    std::optional<Instant> not_before;
    int failures = 0;
    double tokens = 0;
    std::optional<Instant> filled_at, alerts_sent_at;
    std::string alerts_sent_to;  // Within a round of open alerts: the last incident of the batch before.
    DeskStats stats;
};

std::string key_of(const std::string& receiver, const Dispatch& dispatch) {
    std::string all = receiver;
    for (const News& one : dispatch.news)
        all += fmt::format("\n{} {} {} {}", one.incident->id, one.revision, to_string(one.event), one.fingerprint);
    const std::string hash = fmt::format("{:016x}", XXH3_64bits(all.data(), all.size()));
    if (dispatch.kind != Dispatch::Kind::incident) return "digest-" + hash;
    return fmt::format("{}-{}-{}", dispatch.news[0].incident->id, dispatch.news[0].revision, hash);
}

double seconds(Duration duration) { return static_cast<double>(duration.count()) / 1000; }

}  // namespace

std::string_view to_string(NewsEvent event) {
    switch (event) {
        case NewsEvent::opened: return "opened";
        case NewsEvent::updated: return "updated";
        case NewsEvent::resolved: return "resolved";
        case NewsEvent::handed_over: return "handed_over";
    }
    return "";
}

struct Desk::State {
    DeskOptions options;
    std::vector<Seat> seats;
    std::map<std::string, Case> cases;  // By incident.
    std::uint64_t last_dispatch = 0;

    [[nodiscard]] std::optional<NewsEvent> news(const Seat& seat, const Line* line, const Case& one) const;
    void notice_news(Seat& seat, const Case& one, Instant now);
    void take(const Incident& incident, Instant now);
    [[nodiscard]] bool knows(const News& one) const { return cases.contains(one.incident->id); }
    void forget_settled();
    void make_room();
    [[nodiscard]] std::vector<DeliveryRow> give_up_old(Now now);
    [[nodiscard]] bool may_send(Seat& seat, Instant now) const;
    [[nodiscard]] std::vector<News> waiting(const Seat& seat, Instant now, bool ready_only) const;
    [[nodiscard]] std::vector<News> alerts(Seat& seat, Instant now) const;
    [[nodiscard]] std::optional<Dispatch> next(Seat& seat, Now now);
    [[nodiscard]] DeliveryRow settle(Seat& seat, const News& one, const std::string& labels, WallTime at) const;
    void refuse(Seat& seat, const Dispatch& dispatch, std::vector<DeliveryRow>& rows, Now now) const;
};

// What this receiver should hear about it now; nullopt: it knows.
std::optional<NewsEvent> Desk::State::news(const Seat& seat, const Line* line, const Case& one) const {
    if (line != nullptr && line->row.final) return std::nullopt;
    const bool told = line != nullptr && line->told_anything();
    if (!told && !one.standing.worth_telling) return std::nullopt;
    if (!glob_matches(seat.receiver.for_owner, one.incident->diagnosis.owner))
        return told ? std::optional(NewsEvent::handed_over) : std::nullopt;
    if (told && line->row.told == one.standing.fingerprint) return std::nullopt;
    if (one.incident->ended()) return NewsEvent::resolved;
    return told ? NewsEvent::updated : NewsEvent::opened;
}

void Desk::State::notice_news(Seat& seat, const Case& one, Instant now) {
    const auto found = seat.lines.find(one.incident->id);
    const auto event = news(seat, found == seat.lines.end() ? nullptr : &found->second, one);
    if (found == seat.lines.end() && !event) return;
    Line& line = seat.lines[one.incident->id];
    if (!event) {
        line.news_since.reset();
        return;
    }
    if (!line.news_since) line.news_since = now;
    if (line.news_of == one.standing.fingerprint) return;
    line.news_of = one.standing.fingerprint;
    line.refusals = 0;
    line.not_before.reset();
}

void Desk::State::take(const Incident& incident, Instant now) {
    Case& one = cases[incident.id];
    one.incident = std::make_shared<const Incident>(incident);
    one.standing = standing_of(incident);
    for (Seat& seat : seats) notice_news(seat, one, now);
}

// Ended, and nobody is owed anything: done with it.
void Desk::State::forget_settled() {
    std::erase_if(cases, [&](const auto& item) {
        if (!item.second.incident->ended()) return false;
        const bool owed = std::ranges::any_of(seats, [&](const Seat& seat) {
            const auto line = seat.lines.find(item.first);
            return line != seat.lines.end() && line->second.news_since.has_value();
        });
        if (owed) return false;
        for (Seat& seat : seats) seat.lines.erase(item.first);
        return true;
    });
}

void Desk::State::make_room() {
    while (cases.size() > options.incidents_max) {
        auto oldest = cases.end();
        for (auto item = cases.begin(); item != cases.end(); ++item)
            if (item->second.incident->ended() &&
                (oldest == cases.end() || item->second.incident->resolved_at < oldest->second.incident->resolved_at))
                oldest = item;
        if (oldest == cases.end()) return;  // All are open; the loop bounds those.
        for (Seat& seat : seats) seat.stats.given_up += seat.lines.erase(oldest->first);
        cases.erase(oldest);
    }
}

std::vector<DeliveryRow> Desk::State::give_up_old(Now now) {
    std::vector<DeliveryRow> rows;
    for (Seat& seat : seats)
        for (auto& [id, line] : seat.lines) {
            const auto found = cases.find(id);
            if (!line.news_since || found == cases.end() || !found->second.incident->ended()) continue;
            if (now.wall - found->second.incident->resolved_at < options.give_up_after) continue;
            ++seat.stats.given_up;
            line.news_since.reset();
            line.row.final = true;
            line.row.at = now.wall;
            rows.push_back(line.row);
        }
    return rows;
}

bool Desk::State::may_send(Seat& seat, Instant now) const {
    const auto rate = static_cast<double>(seat.receiver.per_minute);
    seat.tokens = seat.filled_at ? std::min(rate, seat.tokens + seconds(now - *seat.filled_at) * rate / 60) : rate;
    seat.filled_at = now;
    return seat.under_way == 0 && seat.tokens >= 1 && (!seat.not_before || now >= *seat.not_before);
}

// Oldest first.
std::vector<News> Desk::State::waiting(const Seat& seat, Instant now, bool ready_only) const {
    std::vector<std::pair<Instant, News>> found;
    for (const auto& [id, line] : seat.lines) {
        if (!line.news_since || (line.not_before && now < *line.not_before)) continue;
        if (ready_only && now - *line.news_since < options.gather) continue;
        const auto known = cases.find(id);
        const auto event = known == cases.end() ? std::nullopt : news(seat, &line, known->second);
        if (!event) continue;
        found.emplace_back(*line.news_since, News{.incident = known->second.incident,
                                                  .event = *event,
                                                  .fingerprint = known->second.standing.fingerprint,
                                                  .revision = static_cast<std::uint64_t>(line.row.revision) + 1,
                                                  .labels_before = line.row.labels});
    }
    std::ranges::stable_sort(found, {}, [](const auto& item) { return item.first; });
    std::vector<News> list;
    for (auto& [since, one] : found) {
        if (list.size() == options.batch_max) break;
        list.push_back(std::move(one));
    }
    return list;
}

// What is new; and, when it is time again, everything that this receiver holds as open, batch after batch.
std::vector<News> Desk::State::alerts(Seat& seat, Instant now) const {
    std::vector<News> list = waiting(seat, now, true);
    if (seat.alerts_sent_at && now - *seat.alerts_sent_at < options.alerts_again) return list;
    std::set<std::string> in;
    for (const News& one : list) in.insert(one.incident->id);
    for (auto item = seat.lines.upper_bound(seat.alerts_sent_to); item != seat.lines.end(); ++item) {
        const auto& [id, line] = *item;
        if (list.size() == options.batch_max) return list;
        seat.alerts_sent_to = id;
        const auto known = cases.find(id);
        if (in.contains(id) || known == cases.end() || known->second.incident->ended() || !line.told_anything())
            continue;
        list.push_back(News{.incident = known->second.incident,
                            .event = NewsEvent::updated,
                            .fingerprint = line.row.told,
                            .revision = static_cast<std::uint64_t>(line.row.revision),
                            .labels_before = line.row.labels});
    }
    seat.alerts_sent_to.clear();
    seat.alerts_sent_at = now;
    return list;
}

std::optional<Dispatch> Desk::State::next(Seat& seat, Now now) {
    if (!may_send(seat, now.monotonic)) return std::nullopt;
    Dispatch dispatch{.key = "", .news = {}, .notice = "", .at = now.wall};
    if (!seat.notices.empty()) {
        dispatch.kind = Dispatch::Kind::notice;
        dispatch.notice = seat.notices.front().text;
        dispatch.key = seat.notices.front().key;
        dispatch.at = seat.notices.front().at;
    } else if (seat.receiver.keeps_alerts) {
        dispatch.kind = Dispatch::Kind::alerts;
        dispatch.news = alerts(seat, now.monotonic);
        if (dispatch.news.empty()) return std::nullopt;
        dispatch.key = key_of(seat.receiver.name, dispatch);
    } else {
        dispatch.news = waiting(seat, now.monotonic, true);
        if (dispatch.news.empty()) return std::nullopt;
        // A storm: what is still gathering comes with it.
        const std::vector<News> all = waiting(seat, now.monotonic, false);
        if (all.size() >= seat.receiver.fold_from) {
            dispatch.kind = Dispatch::Kind::digest;
            dispatch.news = all;
            seat.stats.folded += all.size();
        } else {
            dispatch.news.resize(1);
        }
        dispatch.key = key_of(seat.receiver.name, dispatch);
    }
    seat.tokens -= 1;
    dispatch.id = seat.under_way = ++last_dispatch;
    return dispatch;
}

DeliveryRow Desk::State::settle(Seat& seat, const News& one, const std::string& labels, WallTime at) const {
    Line& line = seat.lines[one.incident->id];
    DeliveryRow& row = line.row;
    const bool over = one.event == NewsEvent::handed_over;
    row.receiver = seat.receiver.name;
    row.incident = one.incident->id;
    row.revision = static_cast<std::int64_t>(one.revision);
    row.told = over ? handed_over_mark : one.fingerprint;
    row.labels = over ? "" : labels;
    row.final = one.incident->ended();
    row.at = at;
    line.news_since.reset();
    line.not_before.reset();
    line.refusals = 0;
    return row;
}

// The receiver speaks, and does not want this: others go first, and in the end it counts as undelivered.
void Desk::State::refuse(Seat& seat, const Dispatch& dispatch, std::vector<DeliveryRow>& rows, Now now) const {
    for (const News& one : dispatch.news) {
        if (!knows(one)) continue;
        Line& line = seat.lines[one.incident->id];
        if (!line.news_since) continue;  // An alert that was only sent again.
        if (++line.refusals < options.refused_max) {
            line.not_before = now.monotonic + options.refused_retry * line.refusals;
            continue;
        }
        ++seat.stats.given_up;
        rows.push_back(settle(seat, one, one.labels_before, now.wall));
    }
}

Desk::Desk(std::vector<DeskReceiver> receivers, DeskOptions options) : state_(std::make_unique<State>()) {
    state_->options = options;
    for (DeskReceiver& receiver : receivers) {
        Seat& seat = state_->seats.emplace_back();
        seat.stats.receiver = receiver.name;
        seat.receiver = std::move(receiver);
    }
}
Desk::~Desk() = default;

void Desk::restore(const std::vector<DeliveryRow>& told, const std::vector<Incident>& incidents, Now now) {
    for (const DeliveryRow& row : told)
        for (Seat& seat : state_->seats)
            if (seat.receiver.name == row.receiver) seat.lines[row.incident].row = row;
    for (const Incident& incident : incidents) {
        // What has ended is owed only to those to whom it was owed while it was open.
        if (incident.ended() && std::ranges::none_of(state_->seats, [&](const Seat& seat) {
                const auto line = seat.lines.find(incident.id);
                return line != seat.lines.end() && !line->second.row.final;
            }))
            continue;
        Case& one = state_->cases[incident.id];
        one.incident = std::make_shared<const Incident>(incident);
        one.standing = standing_of(incident);
        for (Seat& seat : state_->seats)
            if (!incident.ended() || seat.lines.contains(incident.id)) state_->notice_news(seat, one, now.monotonic);
    }
    for (Seat& seat : state_->seats)
        std::erase_if(seat.lines, [&](const auto& item) { return !state_->cases.contains(item.first); });
}

std::vector<DeliveryRow> Desk::update(const Incident& incident, Now now) {
    state_->take(incident, now.monotonic);
    std::vector<DeliveryRow> rows = state_->give_up_old(now);
    for (Seat& seat : state_->seats) {
        const auto line = seat.lines.find(incident.id);
        if (line == seat.lines.end() || !line->second.row.receiver.empty()) continue;
        line->second.row.receiver = seat.receiver.name;
        line->second.row.incident = incident.id;
        line->second.row.at = now.wall;
        rows.push_back(line->second.row);
    }
    state_->forget_settled();
    state_->make_room();
    return rows;
}

void Desk::notice(const std::string& text, Now now) {
    for (Seat& seat : state_->seats) {
        if (!glob_matches(seat.receiver.for_owner, "")) continue;
        if (!seat.notices.empty() && seat.notices.back().text == text) continue;
        if (seat.notices.size() >= state_->options.notices_max) {
            seat.notices.pop_front();
            ++seat.stats.given_up;
        }
        const std::string all = seat.receiver.name + text + std::to_string(now.wall.unix_ms);
        seat.notices.push_back({text, fmt::format("agent-{:016x}", XXH3_64bits(all.data(), all.size())), now.wall});
    }
}

std::vector<Dispatch> Desk::due(Now now) {
    std::vector<Dispatch> all;
    for (std::size_t i = 0; i < state_->seats.size(); ++i) {
        auto dispatch = state_->next(state_->seats[i], now);
        if (!dispatch) continue;
        dispatch->receiver = i;
        all.push_back(*std::move(dispatch));
    }
    return all;
}

std::vector<DeliveryRow> Desk::done(const Dispatch& dispatch, DispatchOutcome outcome,
                                    const std::vector<std::string>& labels, Now now) {
    Seat& seat = state_->seats[dispatch.receiver];
    if (seat.under_way != dispatch.id) return {};
    seat.under_way = 0;
    std::vector<DeliveryRow> rows;
    if (outcome == DispatchOutcome::failed) {
        ++seat.stats.failed;
        const int doublings = std::min(seat.failures++, 20);
        const auto& options = state_->options;
        seat.not_before =
            now.monotonic + std::min(options.retry_first * (std::int64_t{1} << doublings), options.retry_max);
        seat.alerts_sent_at.reset();  // An Alertmanager may have been restarted: it gets all open ones again.
        seat.alerts_sent_to.clear();
        return rows;
    }
    seat.failures = 0;
    seat.not_before.reset();
    const bool delivered = outcome == DispatchOutcome::delivered;
    ++(delivered ? seat.stats.delivered : seat.stats.failed);
    if (dispatch.kind == Dispatch::Kind::notice) {
        if (!seat.notices.empty() && seat.notices.front().key == dispatch.key) seat.notices.pop_front();
        if (!delivered) ++seat.stats.given_up;
        return rows;
    }
    if (!delivered) {
        state_->refuse(seat, dispatch, rows, now);
    } else {
        for (std::size_t i = 0; i < dispatch.news.size(); ++i) {
            const News& one = dispatch.news[i];
            if (!state_->knows(one)) continue;
            const Line& line = seat.lines[one.incident->id];
            if (line.row.told == one.fingerprint && static_cast<std::uint64_t>(line.row.revision) == one.revision)
                continue;  // An alert that was only sent again.
            rows.push_back(state_->settle(seat, one, i < labels.size() ? labels[i] : "", now.wall));
        }
    }
    // It may stand otherwise by now.
    for (const News& one : dispatch.news)
        if (const auto known = state_->cases.find(one.incident->id); known != state_->cases.end())
            state_->notice_news(seat, known->second, now.monotonic);
    state_->forget_settled();
    return rows;
}

std::vector<DeskStats> Desk::stats(Now now) const {
    std::vector<DeskStats> all;
    for (const Seat& seat : state_->seats) {
        DeskStats& stats = all.emplace_back(seat.stats);
        stats.waiting = seat.notices.size();
        for (const auto& [id, line] : seat.lines) {
            if (!line.news_since) continue;
            ++stats.waiting;
            stats.oldest_waiting_seconds =
                std::max(stats.oldest_waiting_seconds, seconds(now.monotonic - *line.news_since));
        }
    }
    return all;
}

std::size_t Desk::incidents() const { return state_->cases.size(); }

}  // namespace medic
