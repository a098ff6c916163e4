// What a desk knows: every incident as it stands, and what each receiver was told of it last. Only for Desk's own
// files.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/notify/desk.h"

namespace medic {
namespace desk {

// What a receiver that must no longer care was told last.
inline constexpr std::string_view handed_over_mark = "handed-over";

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

inline double seconds(Duration duration) { return static_cast<double>(duration.count()) / 1000; }

}  // namespace desk

struct Desk::State {
    using Seat = desk::Seat;
    using Line = desk::Line;
    using Case = desk::Case;

    DeskOptions options;
    std::vector<Seat> seats;
    std::map<std::string, Case> cases;  // By incident.
    std::uint64_t last_dispatch = 0;

    // ---- who is owed what (desk_news.cc)
    [[nodiscard]] std::optional<NewsEvent> news(const Seat& seat, const Line* line, const Case& one) const;
    void notice_news(Seat& seat, const Case& one, Instant now);
    void take(const Incident& incident, Instant now);
    [[nodiscard]] bool knows(const News& one) const { return cases.contains(one.incident->id); }
    // It was told, or counts as told: the row to journal.
    [[nodiscard]] DeliveryRow settle(Seat& seat, const News& one, const std::string& labels, WallTime at) const;
    void refuse(Seat& seat, const Dispatch& dispatch, std::vector<DeliveryRow>& rows, Now now) const;
    [[nodiscard]] std::vector<DeliveryRow> give_up_old(Now now);
    void forget_settled();
    void make_room();

    // ---- what leaves now (desk_dispatch.cc)
    [[nodiscard]] std::optional<Dispatch> next(Seat& seat, Now now);
    [[nodiscard]] bool may_send(Seat& seat, Instant now) const;
    [[nodiscard]] std::vector<News> waiting(const Seat& seat, Instant now, bool ready_only) const;
    [[nodiscard]] std::vector<News> alerts(Seat& seat, Instant now) const;
};

}  // namespace medic
