/// ln x of a positive, finite, normal number to within 10⁻¹⁰: by the exponent, and the series of the area tangent.
func naturalLogarithm(_ x: Double) -> Double {
    precondition(x.isNormal && x > 0, "a logarithm is of a positive number")
    // √½ ≤ m < √2, so |s| < 0.172 and s¹³ < 10⁻⁹
    var (exponent, m) = (Double(x.exponent), x.significand)
    if m > 2.0.squareRoot() { (exponent, m) = (exponent + 1, m / 2) }
    let s = (m - 1) / (m + 1)
    let q = s * s
    let series = 1 + q * (1.0 / 3 + q * (1.0 / 5 + q * (1.0 / 7 + q * (1.0 / 9 + q * (1.0 / 11 + q / 13)))))
    return exponent * 0.693_147_180_559_945_3 + 2 * s * series
}
