#include "bench/demo_site/images.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace tidemark::demo
{
namespace
{
constexpr int kCurveWidth = 720;
constexpr int kCurveHeight = 240;
constexpr double kCurveTopMetres = 8;

double y_of(double metres)
{
    return kCurveHeight * (1 - (metres + 1) / (kCurveTopMetres + 1));
}

void append_u32(std::string& out, std::uint32_t value)
{
    for (const int shift : {24, 16, 8, 0})
        out.push_back(static_cast<char>(value >> shift & 0xff));
}

std::uint32_t crc32(std::string_view bytes)
{
    std::uint32_t crc = 0xffffffff;
    for (const char c : bytes) {
        crc ^= static_cast<std::uint8_t>(c);
        for (int bit = 0; bit < 8; ++bit)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    return ~crc;
}

std::uint32_t adler32(std::string_view bytes)
{
    std::uint32_t a = 1;
    std::uint32_t b = 0;
    for (const char c : bytes) {
        a = (a + static_cast<std::uint8_t>(c)) % 65521;
        b = (b + a) % 65521;
    }
    return b << 16 | a;
}

// zlib's format (RFC 1950) around stored blocks (RFC 1951 §3.2.4).
std::string zlib_stored(std::string_view bytes)
{
    constexpr std::size_t kBlockBytesMax = 65'535;
    std::string out = "\x78\x01";
    const std::uint32_t checksum = adler32(bytes);
    do {
        const std::string_view block = bytes.substr(0, kBlockBytesMax);
        bytes.remove_prefix(block.size());
        out.push_back(bytes.empty() ? 1 : 0);
        for (const std::size_t length : {block.size(), ~block.size()}) {
            out.push_back(static_cast<char>(length & 0xff));
            out.push_back(static_cast<char>(length >> 8 & 0xff));
        }
        out += block;
    } while (!bytes.empty());
    append_u32(out, checksum);
    return out;
}

void append_png_chunk(std::string& out, std::string_view type, std::string_view data)
{
    append_u32(out, static_cast<std::uint32_t>(data.size()));
    const std::string checked = std::string(type) + std::string(data);
    out += checked;
    append_u32(out, crc32(checked));
}

double depth_at(double x, double y)
{
    const double east = (x - 250) / 130;
    const double north = (y - 95) / 60;
    const double island = std::exp(-(east * east + north * north)) * 1.25;
    const double shoal = std::exp(-(std::pow((x - 90) / 50, 2) + std::pow((y - 140) / 26, 2)));
    return 1 - island - 0.55 * shoal + 0.06 * std::sin(x / 17) * std::cos(y / 13);
}
} // namespace

std::string tide_curve_svg(const Harbour& harbour, WallTime midnight)
{
    std::string points;
    for (int x = 0; x <= kCurveWidth; x += 4) {
        const WallTime t = midnight + Seconds{86'400} * x / kCurveWidth;
        points += fmt::format("{},{:.1f} ", x, y_of(height_metres(harbour, t)));
    }
    std::string marks;
    for (int hour = 3; hour < 24; hour += 3)
        marks += fmt::format("<path d='M{0} 0V{1}' stroke='#fff' stroke-opacity='.35'/>"
                             "<text x='{2}' y='{3}'>{4:02}:00</text>",
                             hour * 30, kCurveHeight, hour * 30 + 4, kCurveHeight - 8, hour);
    return fmt::format("<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {0} {1}' role='img' "
                       "aria-label='Tide at {2}'><rect width='{0}' height='{1}' fill='#dcebf0'/>"
                       "<polygon points='0,{1} {3}{0},{1}' fill='#1f6f8b'/>"
                       "<g font-family='sans-serif' font-size='12' fill='#fff'>{4}</g></svg>\n",
                       kCurveWidth, kCurveHeight, harbour.name, points, marks);
}

std::string_view logo_svg() noexcept
{
    return "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'>"
           "<rect width='32' height='32' rx='7' fill='#1f6f8b'/><path d='M3 20c4-5 7-5 10 0s6 5 "
           "10 0 5-4 6-3v12H3z' fill='#dcebf0'/><circle cx='22' cy='9' r='4' fill='#f2c14e'/>"
           "</svg>\n";
}

std::string palette_png(std::uint32_t width, std::uint32_t height,
                        const std::vector<Colour>& palette, std::string_view pixels)
{
    std::string header;
    append_u32(header, width);
    append_u32(header, height);
    header += std::string("\x08\x03\x00\x00\x00", 5); // 8 bits, palette, the only methods there are
    std::string colours;
    for (const Colour& colour : palette)
        for (const std::uint8_t part : {colour.red, colour.green, colour.blue})
            colours.push_back(static_cast<char>(part));
    std::string rows;
    for (std::uint32_t y = 0; y < height; ++y) {
        rows.push_back('\0'); // no filter
        rows += pixels.substr(std::size_t{y} * width, width);
    }
    std::string out = "\x89PNG\r\n\x1a\n";
    append_png_chunk(out, "IHDR", header);
    append_png_chunk(out, "PLTE", colours);
    append_png_chunk(out, "IDAT", zlib_stored(rows));
    append_png_chunk(out, "IEND", "");
    return out;
}

std::string sea_chart_png()
{
    constexpr std::uint32_t kWidth = 480;
    constexpr std::uint32_t kHeight = 200;
    const std::vector<Colour> palette = {{226, 205, 150}, {196, 222, 178}, {214, 236, 240},
                                         {172, 212, 226}, {120, 178, 203}, {66, 133, 166},
                                         {31, 92, 128}};
    std::string pixels;
    for (std::uint32_t y = 0; y < kHeight; ++y)
        for (std::uint32_t x = 0; x < kWidth; ++x) {
            const double step = std::floor(depth_at(x, y) * 6) + 1;
            const double last = static_cast<double>(palette.size() - 1);
            pixels.push_back(static_cast<char>(std::clamp(step, 0.0, last)));
        }
    return palette_png(kWidth, kHeight, palette, pixels);
}
} // namespace tidemark::demo
