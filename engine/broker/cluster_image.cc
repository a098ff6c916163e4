#include "engine/broker/cluster_image.h"

namespace medic::engine::broker {
namespace {

template <std::size_t index = 0>
std::optional<MetadataRecord> decode_alternative(std::size_t wanted, std::string_view bytes) {
    if constexpr (index < std::variant_size_v<MetadataRecord>) {
        if (wanted != index) return decode_alternative<index + 1>(wanted, bytes);
        auto record = unpack<std::variant_alternative_t<index, MetadataRecord>>(bytes);
        if (!record) return std::nullopt;
        return MetadataRecord(*std::move(record));
    } else {
        return std::nullopt;
    }
}

}  // namespace

std::string encode_record(const MetadataRecord& record) {
    Packer packer;
    packer.put(static_cast<std::uint8_t>(record.index()));
    std::visit([&](const auto& body) { packer.put(body); }, record);
    return packer.take();
}

std::optional<MetadataRecord> decode_record(std::string_view bytes) {
    if (bytes.empty()) return std::nullopt;
    return decode_alternative(static_cast<std::uint8_t>(bytes.front()), bytes.substr(1));
}

void ClusterImage::apply(const MetadataRecord& record) {
    struct Apply {
        ClusterImage& image;
        void operator()(const ClusterIdRecord& body) { image.cluster_id_ = body.id; }
        void operator()(const BrokerRecord& body) { image.brokers_[body.broker.id] = body.broker; }
        void operator()(const TopicRecord& body) {
            image.topics_[body.name] = TopicState{.name = body.name, .id = body.id, .partitions = {}};
            image.names_[body.id] = body.name;
        }
        void operator()(const RemoveTopicRecord& body) {
            const auto found = image.topics_.find(body.name);
            if (found == image.topics_.end()) return;
            image.names_.erase(found->second.id);
            image.topics_.erase(found);
            image.configs_.erase({ConfigResource::topic, body.name});
        }
        void operator()(const PartitionRecord& body) { image.apply_partition(body.state); }
        void operator()(const ConfigRecord& body) {
            auto& overrides = image.configs_[{body.resource, body.name}];
            if (body.value) {
                overrides[body.key] = *body.value;
            } else {
                overrides.erase(body.key);
            }
        }
        void operator()(const ProducerIdsRecord& body) { image.next_producer_id_ = body.next; }
        void operator()(const ClientQuotaRecord& body) {
            auto& quotas = image.client_quotas_[body.client_id];
            if (body.value) {
                quotas[body.key] = *body.value;
            } else {
                quotas.erase(body.key);
            }
            if (quotas.empty()) image.client_quotas_.erase(body.client_id);
        }
    };
    std::visit(Apply{*this}, record);
}

void ClusterImage::apply_partition(const PartitionState& state) {
    const auto found = topics_.find(state.topic);
    if (found == topics_.end() || state.partition < 0) return;
    auto& partitions = found->second.partitions;
    if (static_cast<std::size_t>(state.partition) >= partitions.size()) {
        partitions.resize(static_cast<std::size_t>(state.partition) + 1);
    }
    partitions[static_cast<std::size_t>(state.partition)] = state;
}

std::vector<MetadataRecord> ClusterImage::dump() const {
    std::vector<MetadataRecord> records;
    records.emplace_back(ClusterIdRecord{cluster_id_});
    for (const auto& [id, broker] : brokers_) records.emplace_back(BrokerRecord{broker});
    for (const auto& [name, topic] : topics_) {
        records.emplace_back(TopicRecord{name, topic.id});
        for (const auto& partition : topic.partitions) records.emplace_back(PartitionRecord{partition});
    }
    for (const auto& [resource, overrides] : configs_) {
        for (const auto& [key, value] : overrides) {
            records.emplace_back(ConfigRecord{resource.first, resource.second, key, value});
        }
    }
    records.emplace_back(ProducerIdsRecord{next_producer_id_});
    for (const auto& [client_id, quotas] : client_quotas_) {
        for (const auto& [key, value] : quotas) records.emplace_back(ClientQuotaRecord{client_id, key, value});
    }
    return records;
}

const BrokerState* ClusterImage::broker(BrokerId id) const {
    const auto found = brokers_.find(id);
    return found == brokers_.end() ? nullptr : &found->second;
}

const TopicState* ClusterImage::topic(std::string_view name) const {
    const auto found = topics_.find(name);
    return found == topics_.end() ? nullptr : &found->second;
}

const TopicState* ClusterImage::topic(const Uuid& id) const {
    const auto found = names_.find(id);
    return found == names_.end() ? nullptr : topic(found->second);
}

const PartitionState* ClusterImage::partition(std::string_view name, std::int32_t index) const {
    const TopicState* state = topic(name);
    if (!state || index < 0 || static_cast<std::size_t>(index) >= state->partitions.size()) return nullptr;
    return &state->partitions[static_cast<std::size_t>(index)];
}

bool ClusterImage::usable(BrokerId id) const {
    const BrokerState* state = broker(id);
    return state && state->can_hold_isr();
}

bool ClusterImage::client_quota_set(std::string_view key) const {
    return std::ranges::any_of(client_quotas_, [&](const auto& entity) { return entity.second.contains(key); });
}

const ClusterImage::Overrides& ClusterImage::overrides(ConfigResource resource, std::string_view name) const {
    static const Overrides none;
    const auto found = configs_.find({resource, std::string(name)});
    return found == configs_.end() ? none : found->second;
}

}  // namespace medic::engine::broker
