// Colours by class in the shaders: the palette, and the material of everything that is coloured by it.
import { GLSL3, type IUniform, ShaderMaterial, type ShaderMaterialParameters, Vector4 } from 'three';
import { rgb } from './color';
import type { ClassStyle } from './layer';

export function palette(classes: readonly ClassStyle[]): Vector4[] {
  return classes.map((c) => {
    const [r, g, b] = rgb(c.color);
    return new Vector4(r / 255, g / 255, b / 255, c.opacity ?? 1);
  });
}

/** A vertex shader of marks of `size` pixels; class by the attribute `vclass`. */
export const MARKS = `
in float vclass;
uniform float size;
void main() {
  tint = tintOf(vclass);
  gl_Position = projectionMatrix * modelViewMatrix * vec4(position, 1.0);
  gl_PointSize = size;
}`;

/** A fragment shader of nothing but the class's colour. */
export const PLAIN = `
void main() { color = vec4(tint.rgb, tint.a * opacity); }`;

/**
 * A translucent material of the classes. The vertex shader finds `CLASSES`, their number, and sets `tint` with
 * `tintOf(class)`; the fragment shader finds `tint` and `opacity` and sets `color`.
 */
export function tinted(
  classes: readonly ClassStyle[],
  vertex: string,
  fragment: string,
  uniforms: Record<string, IUniform> = {},
  more: ShaderMaterialParameters = {},
): ShaderMaterial {
  return new ShaderMaterial({
    glslVersion: GLSL3,
    uniforms: { palette: { value: palette(classes) }, opacity: { value: 1 }, ...uniforms },
    vertexShader: `
const int CLASSES = ${Math.max(classes.length, 1)};
uniform vec4 palette[CLASSES];
flat out vec4 tint;
vec4 tintOf(float kind) { return palette[clamp(int(kind + 0.5), 0, CLASSES - 1)]; }
${vertex}`,
    fragmentShader: `
uniform float opacity;
flat in vec4 tint;
out vec4 color;
${fragment}`,
    transparent: true,
    depthWrite: false,
    ...more,
  });
}
