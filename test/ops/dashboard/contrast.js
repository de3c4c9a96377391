/**
 * Runs inside a page: which texts stand out too little from what is behind them, by WCAG 2 at level AA.
 */
(() => {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 1;
  const brush = canvas.getContext('2d', { willReadFrequently: true });

  /** Painted one over the other, as the browser does it, whatever the notation. */
  function mixed(colors) {
    for (const color of colors) {
      brush.fillStyle = color;
      brush.fillRect(0, 0, 1, 1);
    }
    return [...brush.getImageData(0, 0, 1, 1).data].slice(0, 3);
  }

  function luminance(rgb) {
    const [r, g, b] = rgb.map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }

  function groundsOf(element) {
    const above = element.parentElement === null ? ['white'] : groundsOf(element.parentElement);
    return [...above, getComputedStyle(element).backgroundColor];
  }

  function ownText(element) {
    return [...element.childNodes]
      .filter(({ nodeType }) => nodeType === Node.TEXT_NODE)
      .map(({ data }) => data)
      .join(' ')
      .trim();
  }

  const texts = [...document.querySelectorAll('body *')].filter(
    (element) => ownText(element) !== '' && element.closest('svg, noscript') === null,
  );
  const low = texts.flatMap((element) => {
    const behind = groundsOf(element);
    const { color, fontSize, fontWeight } = getComputedStyle(element);
    const [dark, light] = [luminance(mixed([...behind, color])), luminance(mixed(behind))].sort(
      (a, b) => a - b,
    );
    const ratio = (light + 0.05) / (dark + 0.05);
    const size = Number.parseFloat(fontSize);
    const isLarge = size >= 24 || (size >= 18.66 && Number(fontWeight) >= 700);
    return ratio < (isLarge ? 3 : 4.5) ? [`${ratio.toFixed(2)}: ${ownText(element).slice(0, 40)}`] : [];
  });
  return { texts: texts.length, low };
})();
