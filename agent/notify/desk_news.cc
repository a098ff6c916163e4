// Who is owed what: the difference between how an incident stands and what a receiver was told.
#include <algorithm>

#include "agent/notify/desk_internal.h"
#include "remediations/guards/policy.h"

namespace medic {

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

DeliveryRow Desk::State::settle(Seat& seat, const News& one, const std::string& labels, WallTime at) const {
    Line& line = seat.lines[one.incident->id];
    DeliveryRow& row = line.row;
    const bool over = one.event == NewsEvent::handed_over;
    row.receiver = seat.receiver.name;
    row.incident = one.incident->id;
    row.revision = static_cast<std::int64_t>(one.revision);
    row.told = over ? desk::handed_over_mark : one.fingerprint;
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

}  // namespace medic
