// What leaves now, for one receiver: within its rate, oldest first, folded in a storm.
#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <set>

#include "agent/notify/desk_internal.h"

namespace medic {
namespace {

std::string key_of(const std::string& receiver, const Dispatch& dispatch) {
    std::string all = receiver;
    for (const News& one : dispatch.news)
        all += fmt::format("\n{} {} {} {}", one.incident->id, one.revision, to_string(one.event), one.fingerprint);
    const std::string hash = fmt::format("{:016x}", XXH3_64bits(all.data(), all.size()));
    if (dispatch.kind != Dispatch::Kind::incident) return "digest-" + hash;
    return fmt::format("{}-{}-{}", dispatch.news[0].incident->id, dispatch.news[0].revision, hash);
}

}  // namespace

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

bool Desk::State::may_send(Seat& seat, Instant now) const {
    const auto rate = static_cast<double>(seat.receiver.per_minute);
    seat.tokens =
        seat.filled_at ? std::min(rate, seat.tokens + desk::seconds(now - *seat.filled_at) * rate / 60) : rate;
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

}  // namespace medic
