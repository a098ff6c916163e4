#include "engine/broker/group.h"

#include <algorithm>

namespace medic::engine::broker {
using wire::KafkaError;

std::string_view to_string(Group::State state) {
    switch (state) {
        case Group::State::empty: return "Empty";
        case Group::State::preparing_rebalance: return "PreparingRebalance";
        case Group::State::completing_rebalance: return "CompletingRebalance";
        case Group::State::stable: return "Stable";
        case Group::State::dead: return "Dead";
    }
    return "Dead";
}

KafkaError Group::identify(const std::string& member_id, const std::optional<std::string>& instance_id) const {
    if (instance_id) {
        for (const auto& [id, member] : members_) {
            if (member.instance_id == instance_id && id != member_id) return KafkaError::fenced_instance_id;
        }
    }
    return members_.contains(member_id) ? KafkaError::none : KafkaError::unknown_member_id;
}

// All members must share the protocol type and at least one protocol.
bool Group::fits(const JoinAsk& ask) const {
    if (members_.empty()) return !ask.protocol_type.empty() && !ask.protocols.empty();
    if (ask.protocol_type != protocol_type_) return false;
    return std::ranges::any_of(ask.protocols, [&](const GroupProtocol& offered) {
        return std::ranges::all_of(members_, [&](const auto& entry) {
            return entry.first == ask.member_id ||
                   std::ranges::find(entry.second.protocols, offered.name, &GroupProtocol::name) !=
                       entry.second.protocols.end();
        });
    });
}

void Group::join(const JoinAsk& ask, Instant now, GroupEffects& effects) {
    const auto refuse = [&](KafkaError fault, std::string member_id) {
        effects.joins.push_back({.token = ask.token, .fault = fault, .member_id = std::move(member_id)});
    };
    if (state_ == State::dead) return refuse(KafkaError::coordinator_not_available, ask.member_id);
    if (!fits(ask)) return refuse(KafkaError::inconsistent_group_protocol, ask.member_id);
    if (!ask.member_id.empty()) {
        if (promised_.erase(ask.member_id) > 0) return add_member(ask, ask.member_id, now, effects);
        if (const auto fault = identify(ask.member_id, ask.instance_id); fault != KafkaError::none)
            return refuse(fault, ask.member_id);
        return rejoin(members_.at(ask.member_id), ask, now, effects);
    }
    std::string id = options_.new_member_id(ask.client_id);
    if (ask.instance_id) {
        const auto known = std::ranges::find_if(
            members_, [&](const auto& entry) { return entry.second.instance_id == ask.instance_id; });
        if (known != members_.end()) {  // A static member is back: it takes its predecessor's place.
            auto node = members_.extract(known);
            if (leader_ == node.key()) leader_ = id;
            node.key() = id;
            node.mapped().id = id;
            if (const auto old = std::exchange(node.mapped().joining, std::nullopt)) {
                effects.joins.push_back({.token = *old, .fault = KafkaError::fenced_instance_id});
            }
            if (const auto old = std::exchange(node.mapped().syncing, std::nullopt)) {
                effects.syncs.push_back({.token = *old, .fault = KafkaError::fenced_instance_id});
            }
            effects.store = true;  // The next coordinator must know it by its new id, or it would fence it.
            return rejoin(members_.insert(std::move(node)).position->second, ask, now, effects);
        }
    } else if (ask.may_require_member_id) {
        promised_[id] = now + ask.session_timeout;
        return refuse(KafkaError::member_id_required, id);
    }
    add_member(ask, std::move(id), now, effects);
}

void Group::add_member(const JoinAsk& ask, std::string id, Instant now, GroupEffects& effects) {
    if (members_.empty()) protocol_type_ = ask.protocol_type;
    Member& member = members_[id];
    member.id = std::move(id);
    member.instance_id = ask.instance_id;
    member.client_id = ask.client_id;
    member.client_host = ask.client_host;
    member.session_timeout = ask.session_timeout;
    member.rebalance_timeout = ask.rebalance_timeout;
    member.protocols = ask.protocols;
    member.last_seen = now;
    member.joining = ask.token;
    if (state_ != State::preparing_rebalance) {
        prepare_rebalance(now, effects);
    } else if (initial_deadline_ > now) {  // Each newcomer extends the gathering, up to the rebalance time-out.
        initial_deadline_ = std::min(now + options_.initial_delay, initial_limit_);
    }
    complete_if_joined(now, effects);
}

void Group::rejoin(Member& member, const JoinAsk& ask, Instant now, GroupEffects& effects) {
    const bool same = member.protocols == ask.protocols;
    const bool leads = member.id == leader_;
    member.last_seen = now;
    member.session_timeout = ask.session_timeout;
    member.rebalance_timeout = ask.rebalance_timeout;
    member.protocols = ask.protocols;
    if (const auto old = std::exchange(member.joining, std::nullopt)) {  // It asked twice: the first one is moot.
        effects.joins.push_back({.token = *old, .fault = KafkaError::unknown_member_id, .member_id = member.id});
    }
    const bool settled = (state_ == State::completing_rebalance && same) || (state_ == State::stable && same && !leads);
    if (settled) {
        effects.joins.push_back(present(member, ask.token));
        return;
    }
    member.joining = ask.token;
    if (state_ != State::preparing_rebalance) prepare_rebalance(now, effects);
    complete_if_joined(now, effects);
}

JoinAnswer Group::present(const Member& member, GroupToken token) const {
    JoinAnswer answer{.token = token,
                      .member_id = member.id,
                      .generation = generation_,
                      .protocol_type = protocol_type_,
                      .protocol = protocol_,
                      .leader = leader_};
    if (member.id != leader_) return answer;
    for (const auto& [id, other] : members_) answer.members.push_back({id, other.instance_id, metadata_of(other)});
    return answer;
}

std::string Group::metadata_of(const Member& member) const {
    const auto found = std::ranges::find(member.protocols, protocol_, &GroupProtocol::name);
    return found == member.protocols.end() ? std::string() : found->metadata;
}

void Group::prepare_rebalance(Instant now, GroupEffects& effects) {
    for (auto& [id, member] : members_) {
        member.assignment.clear();
        if (const auto token = std::exchange(member.syncing, std::nullopt)) {
            effects.syncs.push_back({.token = *token, .fault = KafkaError::rebalance_in_progress});
        }
    }
    Duration longest{0};
    for (const auto& [id, member] : members_) longest = std::max(longest, member.rebalance_timeout);
    const bool first = state_ == State::empty;
    initial_limit_ = now + longest;
    initial_deadline_ = first ? std::min(now + options_.initial_delay, initial_limit_) : now;
    rebalance_deadline_ = now + longest;
    state_ = State::preparing_rebalance;
}

void Group::complete_if_joined(Instant now, GroupEffects& effects) {
    if (state_ != State::preparing_rebalance || initial_deadline_ > now || !promised_.empty()) return;
    const bool all = std::ranges::all_of(members_, [](const auto& entry) { return entry.second.joining.has_value(); });
    if (all) complete_join(now, effects);
}

std::string Group::choose_protocol() const {
    // Every member votes for the first of its protocols that all of them know; most votes win.
    std::map<std::string, int> votes;
    for (const auto& [id, member] : members_) {
        for (const GroupProtocol& offered : member.protocols) {
            const bool known = std::ranges::all_of(members_, [&](const auto& entry) {
                return std::ranges::find(entry.second.protocols, offered.name, &GroupProtocol::name) !=
                       entry.second.protocols.end();
            });
            if (!known) continue;
            ++votes[offered.name];
            break;
        }
    }
    const auto best = std::ranges::max_element(votes, {}, [](const auto& entry) { return entry.second; });
    return best == votes.end() ? std::string() : best->first;
}

void Group::complete_join(Instant now, GroupEffects& effects) {
    std::erase_if(members_, [](const auto& entry) { return !entry.second.joining; });
    ++generation_;
    effects.store = true;
    if (members_.empty()) {
        state_ = State::empty;
        protocol_.clear();
        leader_.clear();
        return;
    }
    protocol_ = choose_protocol();
    if (!members_.contains(leader_)) leader_ = members_.begin()->first;
    state_ = State::completing_rebalance;
    Duration longest{0};
    for (auto& [id, member] : members_) {
        longest = std::max(longest, member.rebalance_timeout);
        member.last_seen = now;
        effects.joins.push_back(present(member, *std::exchange(member.joining, std::nullopt)));
    }
    rebalance_deadline_ = now + longest;
}

void Group::sync(const SyncAsk& ask, Instant now, GroupEffects& effects) {
    const auto refuse = [&](KafkaError fault) { effects.syncs.push_back({.token = ask.token, .fault = fault}); };
    if (const auto fault = identify(ask.member_id, ask.instance_id); fault != KafkaError::none) return refuse(fault);
    if (ask.generation != generation_) return refuse(KafkaError::illegal_generation);
    Member& member = members_.at(ask.member_id);
    member.last_seen = now;
    if (state_ == State::preparing_rebalance) return refuse(KafkaError::rebalance_in_progress);
    if (state_ == State::stable) {
        effects.syncs.push_back({.token = ask.token,
                                 .assignment = member.assignment,
                                 .protocol_type = protocol_type_,
                                 .protocol = protocol_});
        return;
    }
    if (const auto old = std::exchange(member.syncing, ask.token)) {
        effects.syncs.push_back({.token = *old, .fault = KafkaError::unknown_member_id});
    }
    if (ask.member_id != leader_) return;
    state_ = State::stable;
    effects.store = true;
    for (auto& [id, other] : members_) {
        const auto mine = ask.assignments.find(id);
        other.assignment = mine == ask.assignments.end() ? std::string() : mine->second;
        if (const auto token = std::exchange(other.syncing, std::nullopt)) {
            effects.syncs.push_back({.token = *token,
                                     .assignment = other.assignment,
                                     .protocol_type = protocol_type_,
                                     .protocol = protocol_});
        }
    }
}

KafkaError Group::heartbeat(const std::string& member_id, const std::optional<std::string>& instance_id,
                            std::int32_t generation, Instant now) {
    if (const auto fault = identify(member_id, instance_id); fault != KafkaError::none) return fault;
    if (generation != generation_) return KafkaError::illegal_generation;
    members_.at(member_id).last_seen = now;
    return state_ == State::preparing_rebalance ? KafkaError::rebalance_in_progress : KafkaError::none;
}

KafkaError Group::leave(const std::string& member_id, const std::optional<std::string>& instance_id, Instant now,
                        GroupEffects& effects) {
    if (promised_.erase(member_id) > 0) {
        complete_if_joined(now, effects);
        return KafkaError::none;
    }
    std::string id = member_id;
    if (instance_id && id.empty()) {  // An administrator removes a static member by its name.
        const auto known =
            std::ranges::find_if(members_, [&](const auto& entry) { return entry.second.instance_id == instance_id; });
        if (known != members_.end()) id = known->first;
    }
    if (const auto fault = identify(id, instance_id); fault != KafkaError::none) return fault;
    remove_member(id, now, effects, KafkaError::unknown_member_id);
    return KafkaError::none;
}

void Group::remove_member(const std::string& id, Instant now, GroupEffects& effects, KafkaError told) {
    auto node = members_.extract(id);
    if (node.mapped().joining)
        effects.joins.push_back({.token = *node.mapped().joining, .fault = told, .member_id = id});
    if (node.mapped().syncing) effects.syncs.push_back({.token = *node.mapped().syncing, .fault = told});
    if (state_ == State::stable || state_ == State::completing_rebalance) prepare_rebalance(now, effects);
    complete_if_joined(now, effects);
}

KafkaError Group::check_commit(const std::string& member_id, const std::optional<std::string>& instance_id,
                               std::int32_t generation, Instant now) {
    if (generation < 0 && member_id.empty()) {
        return state_ == State::empty ? KafkaError::none : KafkaError::unknown_member_id;
    }
    if (const auto fault = identify(member_id, instance_id); fault != KafkaError::none) return fault;
    if (generation != generation_) return KafkaError::illegal_generation;
    members_.at(member_id).last_seen = now;
    return state_ == State::completing_rebalance ? KafkaError::rebalance_in_progress : KafkaError::none;
}

void Group::tick(Instant now, GroupEffects& effects) {
    std::erase_if(promised_, [&](const auto& entry) { return entry.second <= now; });
    std::vector<std::string> expired;
    for (const auto& [id, member] : members_) {
        const bool waits = member.joining || member.syncing;  // Its connection is its sign of life.
        if (!waits && now - member.last_seen > member.session_timeout) expired.push_back(id);
    }
    for (const auto& id : expired) remove_member(id, now, effects, KafkaError::unknown_member_id);
    if (state_ == State::preparing_rebalance && now >= rebalance_deadline_) {
        complete_join(now, effects);
    } else if (state_ == State::completing_rebalance && now >= rebalance_deadline_) {
        // Those who did not come to hear their assignment are out.
        std::vector<std::string> silent;
        for (const auto& [id, member] : members_) {
            if (!member.syncing) silent.push_back(id);
        }
        for (const auto& id : silent) remove_member(id, now, effects, KafkaError::unknown_member_id);
    } else {
        complete_if_joined(now, effects);
    }
}

void Group::dissolve(GroupEffects& effects) {
    state_ = State::dead;
    for (auto& [id, member] : members_) {
        if (const auto token = std::exchange(member.joining, std::nullopt)) {
            effects.joins.push_back({.token = *token, .fault = KafkaError::not_coordinator, .member_id = id});
        }
        if (const auto token = std::exchange(member.syncing, std::nullopt)) {
            effects.syncs.push_back({.token = *token, .fault = KafkaError::not_coordinator});
        }
    }
    members_.clear();
}

Group::Stored Group::stored() const {
    Stored stored{generation_, protocol_type_, protocol_, leader_, {}};
    for (const auto& [id, member] : members_) stored.members.push_back(member);
    return stored;
}

void Group::restore(Stored stored, Instant now) {
    generation_ = stored.generation;
    protocol_type_ = std::move(stored.protocol_type);
    protocol_ = std::move(stored.protocol);
    leader_ = std::move(stored.leader);
    members_.clear();
    for (auto& member : stored.members) {
        member.last_seen = now;
        std::string id = member.id;
        members_.emplace(std::move(id), std::move(member));
    }
    state_ = members_.empty() ? State::empty : State::stable;
}

}  // namespace medic::engine::broker
