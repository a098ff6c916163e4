// Which subtask owns a key. State is kept, written and moved in key groups, so that it can be restored at another
// parallelism. The formulas are Flink's (KeyGroupRangeAssignment, MathUtils.murmurHash), hash codes those of Java for
// strings and integers.
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>

namespace medic::engine::flow {

// Flink's lower bound for the default of pipeline.max-parallelism; here the default for every job.
inline constexpr int default_max_parallelism = 128;

// Specialise for your own key type; equal keys must have equal hashes in every process.
template <class K>
struct KeyHash {
    static std::int32_t of(const K& key) {
        static_assert(std::is_integral_v<K> || std::is_enum_v<K>, "specialise KeyHash for this key type");
        const auto bits = static_cast<std::uint64_t>(key);
        return static_cast<std::int32_t>(static_cast<std::uint32_t>(bits ^ (sizeof(K) > 4 ? bits >> 32 : 0)));
    }
};

template <>
struct KeyHash<std::string> {
    static std::int32_t of(const std::string& key) {
        std::uint32_t hash = 0;
        for (const char c : key) hash = hash * 31 + static_cast<unsigned char>(c);
        return static_cast<std::int32_t>(hash);
    }
};

template <class A, class B>
struct KeyHash<std::pair<A, B>> {
    static std::int32_t of(const std::pair<A, B>& key) {
        return static_cast<std::int32_t>(static_cast<std::uint32_t>(KeyHash<A>::of(key.first)) * 31U +
                                         static_cast<std::uint32_t>(KeyHash<B>::of(key.second)));
    }
};

constexpr int murmur_hash(std::int32_t hash) {
    auto code = static_cast<std::uint32_t>(hash);
    code *= 0xcc9e2d51U;
    code = std::rotl(code, 15);
    code *= 0x1b873593U;
    code = std::rotl(code, 13);
    code = code * 5 + 0xe6546b64U;
    code ^= 4;
    code ^= code >> 16;
    code *= 0x85ebca6bU;
    code ^= code >> 13;
    code *= 0xc2b2ae35U;
    code ^= code >> 16;
    const auto mixed = static_cast<std::int32_t>(code);
    if (mixed >= 0) return mixed;
    return code != 0x80000000U ? -mixed : 0;
}

constexpr int key_group_of_hash(std::int32_t hash, int max_parallelism) { return murmur_hash(hash) % max_parallelism; }

template <class K>
int key_group_of(const K& key, int max_parallelism) {
    return key_group_of_hash(KeyHash<K>::of(key), max_parallelism);
}

constexpr int subtask_of_key_group(int key_group, int parallelism, int max_parallelism) {
    return key_group * parallelism / max_parallelism;
}

// For unordered containers of keys.
template <class K>
struct KeyHasher {
    std::size_t operator()(const K& key) const { return static_cast<std::size_t>(murmur_hash(KeyHash<K>::of(key))); }
};

struct KeyGroupRange {
    int first = 0;
    int last = -1;  // Included; an empty range has last < first.
    [[nodiscard]] constexpr bool contains(int key_group) const { return key_group >= first && key_group <= last; }
};

constexpr KeyGroupRange key_groups_of_subtask(int subtask, int parallelism, int max_parallelism) {
    return {(subtask * max_parallelism + parallelism - 1) / parallelism,
            ((subtask + 1) * max_parallelism - 1) / parallelism};
}

}  // namespace medic::engine::flow
