/** Sea and rivers that are no flood. */
export const SEA = '#7FB2D9';

const CSS = `
.tv{position:relative;container-type:size;width:100%;height:100%;min-height:240px;overflow:hidden;background:#dfe5ea;color:#1f2933;
font:13px/1.45 Inter,"Helvetica Neue","Segoe UI","Hiragino Sans","Noto Sans JP","Noto Sans CJK JP",Meiryo,system-ui,sans-serif;
font-variant-numeric:tabular-nums;-webkit-font-smoothing:antialiased}
.tv *,.tv *::before{box-sizing:border-box}
.tv [hidden]{display:none!important}
.tv canvas{position:absolute;inset:0;display:block;touch-action:none;cursor:grab}
.tv canvas:active{cursor:grabbing}
.tv canvas:focus-visible{outline:3px solid #1769aa;outline-offset:-3px}
.tv-card{background:rgba(255,255,255,.94);border:1px solid rgba(31,41,51,.10);border-radius:8px;
box-shadow:0 1px 2px rgba(31,41,51,.08),0 4px 14px rgba(31,41,51,.10)}
.tv-labels{position:absolute;inset:0;overflow:hidden;pointer-events:none}
.tv-label{position:absolute;left:0;top:0;white-space:nowrap;font-size:12px;font-weight:600;line-height:1.25;color:#1f2933;
text-shadow:0 0 2px #fff,0 0 2px #fff,0 0 3px #fff,0 0 4px #fff,0 0 5px #fff}
.tv-button{display:inline-flex;align-items:center;justify-content:center;width:32px;height:32px;padding:0;border:0;border-radius:6px;
background:none;color:#334150;cursor:pointer;font:inherit}
.tv-button:hover{background:#e8edf2}
.tv-button:focus-visible,.tv-slider:focus-visible,.tv-speed:focus-visible,.tv-legend summary:focus-visible,.tv-legend-body:focus-visible{outline:2px solid #1769aa;outline-offset:1px}
.tv-icon{width:18px;height:18px;fill:none;stroke:currentColor;stroke-width:2;stroke-linecap:round;stroke-linejoin:round}
.tv-solid{fill:currentColor;stroke:none}
.tv-controls{position:absolute;right:12px;top:12px;display:flex;flex-direction:column;gap:8px}
.tv-stack{display:flex;flex-direction:column;padding:3px}
.tv-north{position:relative;height:40px;flex-direction:column}
.tv-north .tv-icon{width:22px;height:22px;color:#c8372d}
.tv-north .tv-south{fill:#9aa5b1}
.tv-north b{font-size:10px;line-height:1;color:#334150}
.tv-legend{position:absolute;left:12px;top:12px}
.tv-legend[open]{width:200px}
.tv-legend summary{cursor:pointer;user-select:none}
.tv-legend>summary{padding:8px 12px;font-weight:700;border-radius:8px}
.tv-legend-body{padding:0 12px 10px;overflow:auto;max-height:calc(58cqh - 38px);border-radius:0 0 8px 8px;scrollbar-width:thin}
.tv-legend h3{margin:6px 0 4px;font-size:12px;font-weight:600;color:#52606d}
.tv-legend section+section{margin-top:10px;border-top:1px solid #e4e7eb;padding-top:4px}
.tv-fold summary{display:flex;align-items:center;gap:6px;padding:3px 0;border-radius:4px;list-style:none}
.tv-fold summary h3{margin:0}
.tv-fold summary::-webkit-details-marker{display:none}
.tv-fold summary::before{content:"";flex:none;width:0;height:0;border:4px solid transparent;border-left:6px solid #52606d;border-right:0}
.tv-fold[open] summary::before{transform:rotate(90deg)}
.tv-rows{list-style:none;margin:0;padding:0;font-size:12px;line-height:1.25}
.tv-rows li{display:flex;align-items:center;gap:8px;padding:2px 0}
.tv-swatch{flex:none;width:22px;height:13px;border-radius:3px;box-shadow:inset 0 0 0 1px rgba(31,41,51,.22)}
.tv-line{height:4px}
.tv-dot{width:13px;margin:0 4px 0 5px;border-radius:50%;box-shadow:inset 0 0 0 2px #fff,0 0 0 1px rgba(31,41,51,.45)}
.tv-note{margin:4px 0 0;font-size:12px;color:#52606d}
.tv-time{position:absolute;left:12px;right:12px;bottom:12px;display:flex;align-items:center;gap:4px;padding:5px 10px 5px 6px}
.tv-play{background:#1769aa;color:#fff;border-radius:50%}
.tv-play:hover{background:#12558a}
.tv-clock{min-width:78px;margin-left:8px;font-size:15px;font-weight:700;letter-spacing:.01em}
.tv-end{min-width:70px;margin:0 8px;color:#52606d;text-align:right}
.tv-track{position:relative;flex:1;min-width:60px;display:flex;align-items:center}
.tv-slider{width:100%;height:20px;margin:0;appearance:none;-webkit-appearance:none;background:none;cursor:pointer;border-radius:4px;--part:0%}
.tv-slider::-webkit-slider-runnable-track{height:5px;border-radius:3px;background:linear-gradient(to right,#1769aa var(--part),#cbd2d9 var(--part))}
.tv-slider::-moz-range-track{height:5px;border-radius:3px;background:linear-gradient(to right,#1769aa var(--part),#cbd2d9 var(--part))}
.tv-slider::-webkit-slider-thumb{-webkit-appearance:none;width:16px;height:16px;margin-top:-5.5px;border-radius:50%;background:#fff;border:2px solid #1769aa;box-shadow:0 1px 3px rgba(31,41,51,.3)}
.tv-slider::-moz-range-thumb{width:12px;height:12px;border-radius:50%;background:#fff;border:2px solid #1769aa}
.tv-bar{position:absolute;left:0;right:0;bottom:-3px;height:3px;border-radius:2px;background:#e4e7eb;overflow:hidden;pointer-events:none}
.tv-bar i{display:block;height:100%;background:#e08a1e;transition:width .4s}
.tv-speed{height:30px;border:1px solid #cbd2d9;border-radius:6px;background:#fff;color:inherit;font:inherit;padding:0 4px;cursor:pointer}
.tv-state{margin-left:8px;padding:2px 9px;border-radius:10px;background:#fdf0dc;color:#7a4a08;font-size:12px;font-weight:600;white-space:nowrap}
.tv-foot{position:absolute;left:12px;right:12px;bottom:12px;display:flex;justify-content:space-between;align-items:flex-end;gap:16px;pointer-events:none}
.tv-has-time .tv-foot{bottom:62px}
.tv-sources{display:-webkit-box;-webkit-box-orient:vertical;-webkit-line-clamp:2;font-size:11px;line-height:1.35;color:#3e4c59;text-shadow:0 0 3px #fff,0 0 3px #fff,0 0 4px #fff;overflow:hidden;min-width:0}
.tv-scale{flex:none;display:flex;flex-direction:column;align-items:flex-end;font-size:11px;font-weight:600;text-shadow:0 0 3px #fff,0 0 3px #fff,0 0 4px #fff}
.tv-scale-bar{height:6px;border:2px solid #1f2933;border-top:0;box-shadow:0 1px 0 #fff}
.tv-message,.tv-progress{position:absolute;left:50%;transform:translateX(-50%);max-width:min(560px,80%);padding:10px 16px;overflow-wrap:anywhere}
.tv-message{top:56px;border-left:4px solid #1769aa;font-size:14px}
.tv-message:not(.tv-error){top:40%}
.tv-tip{position:absolute;left:0;top:0;max-width:260px;padding:4px 9px;font-size:12px;pointer-events:none;z-index:2}
.tv-error{border-left-color:#c8372d}
.tv-progress{top:14px;padding:6px 16px;border-radius:16px;font-weight:600}
@container (max-width:640px){.tv-end,.tv-state{display:none}.tv-sources{-webkit-line-clamp:3}.tv-legend[open]{width:min(200px,48cqw)}}
`;

/** Puts the style sheet into the page once, however many views there are. */
export function installStyle(): void {
  if (document.getElementById('tv-style')) return;
  const style = document.createElement('style');
  style.id = 'tv-style';
  style.textContent = CSS;
  document.head.append(style);
}
