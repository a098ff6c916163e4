#include "agent/store/event.h"

#include <algorithm>

namespace medic {

namespace {

std::size_t bytes_of(const Event& event) {
    std::size_t bytes = sizeof(Event) + event.text.size() + 2 * event.id.size() + event.subject.name.size();
    for (const auto& [name, value] : event.fields) bytes += name.size() + value.size() + 2 * sizeof(std::string);
    return bytes;
}

}  // namespace

void Timeline::drop_one(const std::string& cluster) {
    const auto concerns = [&](const Event& each) { return cluster.empty() || each.subject.cluster == cluster; };
    auto victim = events_.end();
    if (logs_ > 0)
        victim = std::ranges::find_if(events_, [&](const Event& each) { return each.kind == "log" && concerns(each); });
    if (victim == events_.end())
        victim = std::ranges::find_if(events_,
                                      [&](const Event& each) { return each.kind != "exception" && concerns(each); });
    if (victim == events_.end()) victim = std::ranges::find_if(events_, concerns);
    if (victim == events_.end()) return;
    bytes_ -= bytes_of(*victim);
    logs_ -= victim->kind == "log" ? 1 : 0;
    const auto counted = by_cluster_.find(victim->subject.cluster);
    if (--counted->second == 0) by_cluster_.erase(counted);
    ids_.erase(victim->id);
    events_.erase(victim);
    ++dropped_;
}

bool Timeline::record(Event event) {
    if (!event.id.empty() && !ids_.emplace(event.id, event.at).second) return false;
    if (event.text.size() > options_.text_bytes_max) {
        event.text.resize(options_.text_bytes_max);
        event.text += "…";
    }
    const std::string& cluster = event.subject.cluster;
    const auto of_cluster = by_cluster_.find(cluster);
    if (of_cluster != by_cluster_.end() && of_cluster->second >= options_.events_per_cluster_max) drop_one(cluster);
    while (!events_.empty() && (events_.size() >= options_.events_max || bytes_ + bytes_of(event) > options_.bytes_max))
        drop_one("");
    bytes_ += bytes_of(event);
    logs_ += event.kind == "log" ? 1 : 0;
    ++by_cluster_[cluster];
    // Nearly always the newest: look from the back.
    auto position = events_.end();
    while (position != events_.begin() && std::prev(position)->at > event.at) --position;
    events_.insert(position, std::move(event));
    return true;
}

std::vector<const Event*> Timeline::since(WallTime from) const {
    std::vector<const Event*> result;
    for (auto event = std::ranges::lower_bound(events_, from, {}, &Event::at); event != events_.end(); ++event)
        result.push_back(&*event);
    return result;
}

std::vector<const Event*> Timeline::about(const Subject& subject, WallTime from) const {
    std::vector<const Event*> result = since(from);
    std::erase_if(result, [&](const Event* event) { return event->subject != subject; });
    return result;
}

}  // namespace medic
