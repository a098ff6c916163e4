#include "agent/notify/desk.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>

#include "agent/notify/desk_internal.h"
#include "remediations/guards/policy.h"

namespace medic {

using desk::Case;
using desk::Line;
using desk::Seat;

std::string_view to_string(NewsEvent event) {
    switch (event) {
        case NewsEvent::opened: return "opened";
        case NewsEvent::updated: return "updated";
        case NewsEvent::resolved: return "resolved";
        case NewsEvent::handed_over: return "handed_over";
    }
    return "";
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
                std::max(stats.oldest_waiting_seconds, desk::seconds(now.monotonic - *line.news_since));
        }
    }
    return all;
}

std::size_t Desk::incidents() const { return state_->cases.size(); }

}  // namespace medic
