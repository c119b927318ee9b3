#include "edge/store/record.hpp"

#include "core/base/hash.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck/boost_test.h>

#include <atomic>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

BOOST_AUTO_TEST_SUITE(record)

using namespace tidemark;
using namespace tidemark::store;

namespace
{
Slice slice_of(std::string_view bytes)
{
    Slice slice;
    slice.chunk = ChunkRef::make(static_cast<std::uint32_t>(bytes.size() + 1));
    std::memcpy(slice.chunk->data(), bytes.data(), bytes.size());
    slice.bytes = static_cast<std::uint32_t>(bytes.size());
    return slice;
}

StoredResponse::Parts parts_for(std::string_view key)
{
    StoredResponse::Parts parts;
    parts.key = key;
    parts.key_hash = hash_bytes(key);
    return parts;
}

std::string body_of(const StoredResponse& record)
{
    std::string body;
    for (std::size_t i = 0; i < record.body_pieces(); ++i)
        body += record.body_piece(i);
    return body;
}
} // namespace

BOOST_AUTO_TEST_CASE(the_smallest_record_says_what_it_is)
{
    const auto record = StoredResponse::make(parts_for("http://h/"));
    BOOST_TEST(record->key() == "http://h/");
    BOOST_TEST(record->key_hash() == hash_bytes("http://h/"));
    BOOST_TEST(record->vary() == "");
    BOOST_TEST(record->variant() == "");
    BOOST_TEST(record->status() == 200);
    BOOST_TEST(record->reason() == "");
    BOOST_TEST(record->head() == "HTTP/1.1 200 \r\n");
    BOOST_TEST(record->tags().empty());
    BOOST_TEST(record->body_bytes() == 0U);
    BOOST_TEST(record->body_pieces() == 0U);
    BOOST_TEST(record->body_slices().empty());
    BOOST_TEST(record->first_field(http::FieldId::etag).data() == nullptr);
}

BOOST_AUTO_TEST_CASE(every_part_comes_back)
{
    http::FieldList fields;
    fields.add("Content-Type", "text/html");
    fields.add("ETag", "\"a\"");
    fields.add("X-Empty", "");
    fields.add("etag", "\"b\"");
    const std::uint64_t tags[] = {7, 8, 9};
    const Slice body[] = {slice_of("hello "), slice_of("world")};
    StoredResponse::Parts parts = parts_for("http://h/a?b");
    parts.vary = "accept-encoding";
    parts.variant = "v1";
    parts.status = 404;
    parts.reason = "Not Found";
    parts.fields = &fields;
    parts.tags = tags;
    parts.freshness.age_zero = WallTime(Millis(1'700'000'000'123));
    parts.freshness.lifetime = Millis(60'001);
    parts.freshness.stale_while_revalidate = Millis(30'000);
    parts.freshness.stale_if_error = Millis(86'400'000);
    parts.freshness.no_cache = true;
    parts.freshness.explicit_lifetime = true;
    parts.stored_at = WallTime(Millis(1'700'000'001'456));
    parts.fence = {12, 34};
    parts.generation = 56;
    parts.body = body;
    parts.body_bytes = 11;
    const auto record = StoredResponse::make(parts);

    BOOST_TEST(record->key() == parts.key);
    BOOST_TEST(record->vary() == parts.vary);
    BOOST_TEST(record->variant() == parts.variant);
    BOOST_TEST(record->status() == 404);
    BOOST_TEST(record->reason() == "Not Found");
    BOOST_TEST(record->head() == "HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nETag: "
                                 "\"a\"\r\nX-Empty: \r\netag: \"b\"\r\n");
    BOOST_TEST(record->first_field(http::FieldId::etag) == "\"a\"");
    BOOST_TEST(record->first_field(http::FieldId::vary).data() == nullptr);
    http::FieldList again;
    record->fields(again);
    BOOST_TEST_REQUIRE(again.size() == fields.size());
    for (std::size_t i = 0; i < fields.size(); ++i) {
        BOOST_TEST((again[i].id == fields[i].id));
        BOOST_TEST(again[i].name == fields[i].name);
        BOOST_TEST(again[i].value == fields[i].value);
    }
    BOOST_TEST(std::vector<std::uint64_t>(record->tags().begin(), record->tags().end()) ==
                   (std::vector<std::uint64_t>{7, 8, 9}),
               boost::test_tools::per_element());
    const cache::Freshness f = record->freshness();
    BOOST_TEST((f.age_zero == parts.freshness.age_zero));
    BOOST_TEST((f.lifetime == parts.freshness.lifetime));
    BOOST_TEST((f.stale_while_revalidate == parts.freshness.stale_while_revalidate));
    BOOST_TEST((f.stale_if_error == parts.freshness.stale_if_error));
    BOOST_TEST(!f.must_revalidate);
    BOOST_TEST(f.no_cache);
    BOOST_TEST(!f.heuristic);
    BOOST_TEST(f.explicit_lifetime);
    BOOST_TEST((record->stored_at() == parts.stored_at));
    BOOST_TEST((record->fence() == parts.fence));
    BOOST_TEST(record->verified_generation() == 56U);
    record->set_verified_generation(57);
    BOOST_TEST(record->verified_generation() == 57U);
    BOOST_TEST(record->body_pieces() == 1U);
    BOOST_TEST(body_of(*record) == "hello world");
}

BOOST_AUTO_TEST_CASE(a_fence_is_lifted_by_halves_and_never_lowered)
{
    StoredResponse::Parts parts = parts_for("http://h/");
    parts.fence = {5, 7};
    const auto record = StoredResponse::make(parts);
    record->lift_fence({9, 3});
    BOOST_TEST((record->fence() == purge::Fence{9, 7}));
    record->lift_fence({2, 8});
    BOOST_TEST((record->fence() == purge::Fence{9, 8}));
    const purge::Fence large{(std::uint64_t{1} << 47) - 1, std::uint64_t{3} << 40};
    record->lift_fence(large);
    BOOST_TEST((record->fence() == large));
}

// What a reader puts together lies between two fences that were set, also where the high parts
// change.
BOOST_AUTO_TEST_CASE(who_reads_a_fence_while_it_is_lifted_sees_nothing_above_it)
{
    LiftedFence fence;
    constexpr std::uint64_t kStep = 0x7fff'fff1; // crosses 2^32 every other time
    std::atomic<std::uint64_t> set{0};
    std::atomic<bool> stop{false};
    std::atomic<int> wrong{0};
    std::thread reader([&] {
        while (!stop.load()) {
            const std::uint64_t before = set.load();
            const purge::Fence seen = fence.get();
            const std::uint64_t most = set.load() + kStep; // it may be on its way
            if (seen.version > most || seen.local > most || seen.version < before >> 32 << 32)
                ++wrong;
        }
    });
    for (std::uint64_t i = 1; i <= 60'000; ++i) {
        fence.set({i * kStep, i * kStep});
        set.store(i * kStep);
    }
    stop.store(true);
    reader.join();
    BOOST_TEST(wrong.load() == 0);
}

BOOST_AUTO_TEST_CASE(lines_for_nodes_are_kept_apart_from_the_head)
{
    for (const std::string_view lines : {"", "Surrogate-Key: a b\r\nxkey: c\r\n"}) {
        const std::string_view body = "hello";
        const Slice slice = slice_of(body);
        StoredResponse::Parts parts = parts_for("http://h/");
        parts.reason = "OK";
        parts.body = {&slice, 1};
        parts.body_bytes = 5;
        BOOST_TEST(!StoredResponse::make(parts)->peer_lines().has_value());
        parts.peer_lines = lines;
        const auto record = StoredResponse::make(parts);
        BOOST_TEST(record->peer_lines().value() == lines);
        BOOST_TEST(record->head() == "HTTP/1.1 200 OK\r\n");
        BOOST_TEST(record->body_piece(0) == body);
    }
}

BOOST_AUTO_TEST_CASE(a_small_body_stands_right_behind_the_head)
{
    for (const std::size_t size : {std::size_t{1}, kInlineBodyBytesMax}) {
        BOOST_TEST_CONTEXT(size)
        {
            const std::string text(size, 'x');
            const Slice body[] = {slice_of(text)};
            StoredResponse::Parts parts = parts_for("k");
            parts.body = body;
            parts.body_bytes = size;
            const auto record = StoredResponse::make(parts);
            BOOST_TEST(record->body_slices().empty());
            BOOST_TEST_REQUIRE(record->body_pieces() == 1U);
            BOOST_TEST(
                (record->body_piece(0).data() == record->head().data() + record->head().size()));
            BOOST_TEST(record->body_piece(0) == text);
            BOOST_TEST(body[0].chunk->refs.load() == 1U);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_large_body_shares_its_chunks_and_lets_go_of_them)
{
    const std::string text(kInlineBodyBytesMax, 'x');
    const Slice body[] = {slice_of(text), slice_of("y")};
    StoredResponse::Parts parts = parts_for("k");
    parts.body = body;
    parts.body_bytes = text.size() + 1;
    auto record = StoredResponse::make(parts);
    auto freshened = StoredResponse::make(parts);
    BOOST_TEST(record->body_slices().size() == 2U);
    BOOST_TEST(record->body_pieces() == 2U);
    BOOST_TEST(body_of(*record) == text + "y");
    BOOST_TEST(body[0].chunk->refs.load() == 3U);
    record.reset();
    BOOST_TEST(body[0].chunk->refs.load() == 2U);
    BOOST_TEST(body_of(*freshened) == text + "y");
    freshened.reset();
    BOOST_TEST(body[0].chunk->refs.load() == 1U);
}

BOOST_AUTO_TEST_CASE(the_cost_counts_every_allocation_and_a_chunk_of_several_slices_once)
{
    const std::string text(100'000, 'x');
    Slice whole = slice_of(text);
    Slice halves[] = {whole, whole};
    halves[0].bytes = 50'000;
    halves[1].offset = 50'000;
    halves[1].bytes = 50'000;
    StoredResponse::Parts parts = parts_for("k");
    parts.body = halves;
    parts.body_bytes = 100'000;
    const auto record = StoredResponse::make(parts);
    BOOST_TEST(record->cost_bytes() > 100'000U + 64);
    BOOST_TEST(record->cost_bytes() < 110'000U);
    BOOST_TEST(body_of(*record) == text);
}

BOOST_AUTO_TEST_CASE(a_field_that_would_split_the_head_is_left_out)
{
    http::FieldList fields;
    fields.add("A", "x\r\nSet-Cookie: evil");
    fields.add("B", std::string_view("x\0y", 3));
    fields.add("C\n", "x");
    fields.add("D", "fine");
    StoredResponse::Parts parts = parts_for("k");
    parts.reason = "OK\r\nX: y";
    parts.fields = &fields;
    BOOST_TEST(StoredResponse::make(parts)->head() == "HTTP/1.1 200 \r\nD: fine\r\n");
}

BOOST_AUTO_TEST_CASE(touching_saturates)
{
    const auto record = StoredResponse::make(parts_for("k"));
    for (const int expected : {1, 2, 3, 3, 3}) {
        record->touch();
        BOOST_TEST(record->uses() == expected);
    }
}

BOOST_AUTO_TEST_CASE(a_reference_keeps_the_record)
{
    auto record = StoredResponse::make(parts_for("kept"));
    const StoredRef other = ref(*record);
    record.reset();
    BOOST_TEST(other->key() == "kept");
}

BOOST_AUTO_TEST_CASE(the_fixed_part_is_one_cache_line)
{
    BOOST_TEST(sizeof(StoredResponse) == 64U);
    const std::string key(100, 'k');
    StoredResponse::Parts parts = parts_for(key);
    const auto record = StoredResponse::make(parts);
    BOOST_TEST(record->cost_bytes() <= 64 + key.size() + record->head().size() + 24);
}

RC_BOOST_PROP(a_packed_number_comes_back_or_saturates, (std::int64_t value))
{
    constexpr std::int64_t kMax = (std::int64_t{1} << 47) - 1;
    RC_ASSERT(Packed48::of(value).get() == std::clamp(value, -kMax - 1, kMax));
    RC_ASSERT(Packed48::of(value >> 20).get() == value >> 20);
}

RC_BOOST_PROP(any_cut_of_a_body_into_slices_reads_back, (const std::vector<std::uint16_t>& cuts))
{
    std::vector<Slice> body;
    std::string whole;
    for (const std::uint16_t cut : cuts) {
        const std::string piece(cut % 9000 + 1U, static_cast<char>('a' + cut % 26));
        body.push_back(slice_of(piece));
        whole += piece;
    }
    StoredResponse::Parts parts = parts_for("k");
    parts.body = body;
    parts.body_bytes = whole.size();
    const auto record = StoredResponse::make(parts);
    RC_ASSERT(record->body_bytes() == whole.size());
    RC_ASSERT(body_of(*record) == whole);
    RC_ASSERT(record->body_slices().empty() == (whole.size() <= kInlineBodyBytesMax));
}

BOOST_AUTO_TEST_SUITE_END()
